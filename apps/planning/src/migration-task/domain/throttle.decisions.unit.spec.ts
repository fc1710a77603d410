import { describe, expect, it } from 'vitest';
import { DEFAULT_TASK_SETTINGS, DEFAULT_THROTTLE, type ThrottleSettings, UNLIMITED_THROTTLE } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import {
  COMPLETED,
  CREATED,
  ORDER,
  TASK,
  cancelled,
  created,
  halted,
  historyUpTo,
  paused,
} from '../migration-task.examples.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';

const spec = DeciderSpec.of(migrationTaskDecider);
const adjust = (throttle: ThrottleSettings): MigrationTaskCommand => ({ type: 'AdjustThrottle', throttle });
const adjusted = (throttle: ThrottleSettings): MigrationTaskEvent => ({
  type: 'ThrottleAdjusted',
  data: { taskId: TASK, throttle },
});
const NOWHERE: ThrottleSettings = {
  ...DEFAULT_THROTTLE,
  calendar: { timeZone: 'Europe/Nowhere', windows: [{ days: ['monday'], from: '08:00', to: '18:00' }] },
};

describe('the caps of a task', () => {
  it.each([
    ['it has just begun', CREATED],
    ['it is kept in sync', historyUpTo('keep-in-sync')],
    ['it is paused', [...historyUpTo('full-sync'), paused]],
    ['it is halted', [...historyUpTo('full-sync'), halted('full-sync')]],
  ])('are adjusted while %s, once', (_while, history) => {
    spec
      .given(history)
      .when(adjust(UNLIMITED_THROTTLE))
      .then([adjusted(UNLIMITED_THROTTLE)]);
    spec
      .given([...history, adjusted(UNLIMITED_THROTTLE)])
      .when(adjust(UNLIMITED_THROTTLE))
      .thenNothing();
    expect(spec.given([...history, adjusted(UNLIMITED_THROTTLE)]).state?.settings).toEqual({
      ...ORDER.settings,
      throttle: UNLIMITED_THROTTLE,
    });
  });

  it('stay as they are at the end of a task', () => {
    spec.given(COMPLETED).when(adjust(UNLIMITED_THROTTLE)).thenRefused('PLANNING.TASK_ENDED');
    spec
      .given([...CREATED, cancelled(1)])
      .when(adjust(UNLIMITED_THROTTLE))
      .thenRefused('PLANNING.TASK_CANCELLED');
  });

  it('need a calendar that can be followed, in an order too', () => {
    spec.given(CREATED).when(adjust(NOWHERE)).thenRefused('PLANNING.THROTTLE_INVALID');
    const order = { ...ORDER, settings: { ...ORDER.settings, throttle: NOWHERE } };
    spec.given([]).when({ type: 'CreateMigrationTask', order }).thenRefused('PLANNING.THROTTLE_INVALID');
  });

  it('are the defaults for a task that was recorded before there were any', () => {
    const { throttle: _throttle, ...older } = ORDER.settings;
    const event = { ...created, data: { ...created.data, settings: older } } as MigrationTaskEvent;
    expect(spec.given([event]).state?.settings).toEqual({ ...older, throttle: DEFAULT_TASK_SETTINGS.throttle });
  });
});
