import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  DEFAULT_TASK_SETTINGS,
  migrationTaskOrder,
  planningCalls,
  schedule,
  taskSettings,
  throttleSettings,
} from '#libs/contracts';
import { Cancellation } from './cancellation.dto.js';
import { CronSchedule, IntervalSchedule } from './schedule.dto.js';
import { TaskSettingsWishes } from './task-settings.dto.js';
import { Throttle } from './throttle.dto.js';

/** Whatever the gateway lets pass, the services take, and the other way round: their limits are the same. */

const EDGES = [-1, 0, 0.5, 1, 20, 21, 86_400, 86_401, 31_536_000, 31_536_001, NaN, '60', true, null, undefined];
const value = fc.oneof(
  fc.constantFrom(...EDGES, 'compare-digests', 'resend-everything', 'once', 'skip'),
  fc.integer({ min: -10, max: 40_000_000 }),
);
const isValid = (type: new () => object, plain: object): boolean =>
  validateSync(plainToInstance(type, plain), { whitelist: true, forbidNonWhitelisted: true }).length === 0;

it('settings have the limits of the contract', () => {
  const contract = migrationTaskOrder.shape.settings;
  for (const field of Object.keys(DEFAULT_TASK_SETTINGS)) {
    for (const edge of EDGES) {
      const settings = { [field]: edge };
      expect([settings, isValid(TaskSettingsWishes, settings)]).toEqual([
        settings,
        contract.safeParse(settings).success,
      ]);
    }
  }
  const fields = Object.fromEntries(Object.keys(DEFAULT_TASK_SETTINGS).map((field) => [field, value]));
  fc.assert(
    fc.property(fc.record(fields, { requiredKeys: [] }), (settings) => {
      expect(isValid(TaskSettingsWishes, settings)).toBe(contract.safeParse(settings).success);
    }),
  );
});

it('a grace period has the limits of the contract, but is left out instead of null', () => {
  const taskId = 'c2b7a6d0-7a3c-4d51-8d0e-5b8b6d2e7303';
  for (const graceSeconds of EDGES.filter((each) => each !== null)) {
    const taken = planningCalls.cancelMigrationTask.request.safeParse({ taskId, graceSeconds: graceSeconds ?? null });
    expect([graceSeconds, isValid(Cancellation, { graceSeconds })]).toEqual([graceSeconds, taken.success]);
  }
  expect(isValid(Cancellation, { graceSeconds: null })).toBe(false);
});

it('a schedule catches up as the contract says', () => {
  const interval = { kind: 'interval', everySeconds: 60 };
  const cron = { kind: 'cron', expression: '0 2 * * *', timeZone: 'UTC' };
  for (const catchUp of ['once', 'skip', 'all', '', null, undefined, 1]) {
    const isTaken = schedule.safeParse({ ...interval, catchUp }).success;
    expect([catchUp, isValid(IntervalSchedule, { ...interval, catchUp })]).toEqual([catchUp, isTaken]);
    expect([catchUp, isValid(CronSchedule, { ...cron, catchUp })]).toEqual([catchUp, isTaken]);
  }
});

const window = { days: ['monday'], from: '08:00', to: '18:00' };
const calendarOf = (...windows: unknown[]): object => ({ calendar: { timeZone: 'UTC', windows } });

it.each<[string, unknown]>([
  ...[undefined, null, 0, 124_999, 125_000, 125_000.5, 12_500_000_000, 12_500_000_001, '1'].map(
    (each): [string, unknown] => ['network', { networkBytesPerSecond: each }],
  ),
  ...[undefined, null, 0, 0.009, 0.01, 0.3, 1, 1.01, 30, '0.3', NaN].map((each): [string, unknown] => [
    'storage',
    { storageShare: each },
  ]),
  ...[undefined, null, 0, 1, 32, 33, 1.5].map((each): [string, unknown] => ['depth', { storageQueueDepth: each }]),
  ...[undefined, null, {}, [], 'none', { timeZone: 'UTC' }, { timeZone: '', windows: [window] }].map(
    (each): [string, unknown] => ['calendar', { calendar: each }],
  ),
  ['one window', calendarOf(window)],
  ['no window', calendarOf()],
  ['no window but null', calendarOf(null)],
  ['too many windows', calendarOf(...Array<unknown>(51).fill(window))],
  ...(
    [
      { days: [] },
      { days: ['Monday'] },
      { days: 'monday' },
      { days: Array<string>(8).fill('monday') },
      { from: '24:00' },
      { from: '8:00' },
      { from: 800 },
      { to: '24:00' },
      { to: '24:01' },
      { networkBytesPerSecond: null },
      { networkBytesPerSecond: 1 },
      { storageShare: null },
      { storageShare: 2 },
    ] as const
  ).map((change): [string, unknown] => ['window', calendarOf({ ...window, ...change })]),
])('caps have the limits of the contract: %s of %j', (_what, throttle) => {
  expect(isValid(TaskSettingsWishes, { throttle })).toBe(taskSettings.partial().safeParse({ throttle }).success);
  expect(isValid(Throttle, throttle as object)).toBe(throttleSettings.safeParse(throttle).success);
});
