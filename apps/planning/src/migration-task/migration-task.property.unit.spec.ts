import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNLIMITED_THROTTLE, migrationTaskView } from '#libs/contracts';
import { fold } from '#libs/eventsourcing';
import { expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing, recordCommands } from '#libs/testing';
import { STANDARD_ITINERARY } from './domain/itinerary.js';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';
import { migrationTasks } from './migration-task.aggregate.js';
import { FAILURE, HOURLY, ORDER, RESTORER } from './migration-task.examples.js';
import { viewOf } from './read-model/migration-task.projection.js';

/** Short enough for the dates to come while commands come, which is one in a second. */
const settings = { ...ORDER.settings, cancelGraceSeconds: 3, failureGraceSeconds: 4 };
const create: MigrationTaskCommand = { type: 'CreateMigrationTask', order: { ...ORDER, settings } };
const facts = STANDARD_ITINERARY.map(({ waitsFor }): MigrationTaskCommand => ({
  type: 'NoteFact',
  fact: waitsFor,
  restorerId: RESTORER,
}));
const failures = STANDARD_ITINERARY.map(({ name }): MigrationTaskCommand => ({
  type: 'NoteFailure',
  phases: [name],
  failure: FAILURE,
}));
const ROUND = 'bf618394-0011-4000-8000-000000000011';
const rounds = (['full', 'incremental', 'final'] as const).map((roundKind): MigrationTaskCommand => ({
  type: 'NoteRoundStarted',
  roundId: ROUND,
  roundKind,
  trigger: 'manual',
}));
const LONG_AGO = '2026-01-01T00:00:00.000Z';
const scheduling: MigrationTaskCommand[] = [
  { type: 'ScheduleSync', schedule: HOURLY, nextTimePoint: LONG_AGO },
  { type: 'ScheduleSync', schedule: { ...HOURLY, catchUp: 'skip' }, nextTimePoint: LONG_AGO },
  { type: 'RemoveSyncSchedule' },
  { type: 'AdjustThrottle', throttle: UNLIMITED_THROTTLE },
  { type: 'AdjustThrottle', throttle: ORDER.settings.throttle },
  ...[1, 2].map((generation): MigrationTaskCommand => ({
    type: 'ReachTimePoint',
    generation,
    timePoint: LONG_AGO,
    nextTimePoint: '2026-01-01T01:00:00.000Z',
    isOverdue: true,
  })),
];
const resting: MigrationTaskCommand[] = [
  { type: 'PauseMigrationTask' },
  { type: 'ResumeMigrationTask' },
  { type: 'RetryMigrationTask' },
];
const cancelNow: MigrationTaskCommand = { type: 'CancelMigrationTask', graceSeconds: 0 };
const reachFirst: MigrationTaskCommand = { type: 'ReachCleanUp', generation: 1 };
const ending: MigrationTaskCommand[] = [
  { type: 'CancelMigrationTask', graceSeconds: null },
  cancelNow,
  { type: 'WithdrawCancellation' },
  reachFirst,
  { type: 'ReachCleanUp', generation: 2 },
  { type: 'ReachCleanUp', generation: 3 },
  { type: 'NoteCleanUpFailure', failure: FAILURE },
  { type: 'NoteTargetRemoved' },
];
const anyCommand = fc.oneof(
  ...[facts, failures, rounds, scheduling, resting, ending, [create]].map((each) => fc.constantFrom(...each)),
);
/** Turns that get every way to an end its share of the random commands. */
const turns = fc.constantFrom<readonly MigrationTaskCommand[]>([], failures, [cancelNow], [cancelNow, reachFirst]);
const commands = fc
  .tuple(fc.integer({ min: 0, max: facts.length }), turns, fc.array(anyCommand, { maxLength: 24, size: 'max' }))
  .map(([done, turn, rest]) => [create, ...facts.slice(0, done), ...turn, ...rest]);

interface Moment {
  readonly event: MigrationTaskEvent;
  readonly at: string;
}

const play = async (played: readonly MigrationTaskCommand[]): Promise<Moment[]> => {
  const { persisted } = await recordCommands(migrationTasks, played);
  return persisted.flatMap((stored) => {
    const event = migrationTasks.codec.decode(stored);
    return event === null ? [] : [{ event, at: stored.metadata.occurredAt }];
  });
};

const always = (
  check: (history: readonly MigrationTaskEvent[], played: readonly MigrationTaskCommand[]) => void | Promise<void>,
) =>
  fc.assert(
    fc.asyncProperty(commands, async (played) =>
      check(
        (await play(played)).map(({ event }) => event),
        played,
      ),
    ),
  );
const typesOf = (history: readonly MigrationTaskEvent[]): string => history.map(({ type }) => type).join(' ');

const orderOf = (name: string): number => STANDARD_ITINERARY.findIndex((phase) => phase.name === name);

describe('whatever happens to a migration task', () => {
  it('skips no phase: each begins when the one before it is complete, or by a retry', () =>
    always((history) => {
      let current = -1;
      let completed = -1;
      for (const event of history) {
        if (event.type === 'PhaseStarted') {
          const started = orderOf(event.data.phase);
          expect(started).toBeLessThanOrEqual(completed + 1);
          current = started;
          completed = Math.min(completed, started - 1);
        }
        if (event.type === 'PhaseCompleted') {
          expect(orderOf(event.data.phase)).toBe(current);
          completed = current;
        }
        if (event.type === 'MigrationTaskCompleted') expect(completed).toBe(STANDARD_ITINERARY.length - 1);
      }
    }));

  it('ends once, complete or cancelled, and nothing follows', () =>
    always((history) => {
      const end = history.findIndex(({ type }) => type === 'MigrationTaskCompleted' || type === 'CleanUpCompleted');
      if (end !== -1) expect(history, typesOf(history)).toHaveLength(end + 1);
    }));

  it('never goes on once its clean-up has begun', () =>
    always((history) => {
      const begun = history.findIndex(({ type }) => type === 'CleanUpStarted');
      const after = begun === -1 ? [] : history.slice(begun);
      expect(
        after.every(({ type }) => /^(CleanUp(Started|Failed|Completed)|SyncScheduleRemoved)$/.test(type)),
        typesOf(history),
      ).toBe(true);
      if (begun !== -1) {
        expect(['cleaning-up', 'cancelled']).toContain(fold(migrationTasks.decider, history)?.status);
      }
    }));

  it('begins its clean-up on a date that stands, never before it, and never after it was called off', () =>
    fc.assert(
      fc.asyncProperty(commands, async (played) => {
        let date: { readonly generation: number; readonly at: string } | null = null;
        for (const { event, at } of await play(played)) {
          if (event.type === 'CleanUpStarted' && event.data.cause !== 'retry') {
            expect(event.data).toMatchObject({ generation: date?.generation, dueAt: date?.at });
            expect(at >= event.data.dueAt).toBe(true);
          }
          if (event.type === 'CancellationWithdrawn' || event.type === 'CleanUpCalledOff') date = null;
          if (event.type === 'PhaseStarted' || event.type === 'MigrationTaskHaltCleared') date = null;
          if (event.type === 'MigrationTaskPaused') date = null;
          if ('cleanUpAt' in event.data && event.data.cleanUpAt !== undefined) {
            date = { generation: event.data.generation ?? 0, at: event.data.cleanUpAt };
          }
        }
      }),
    ));

  it('is halted only for a reason that is shown', () =>
    always((history) => {
      history.forEach((_event, index) => {
        const task = fold(migrationTasks.decider, history.slice(0, index + 1));
        if (task?.status === 'halted') expect(viewOf(task).halt).not.toBeNull();
        if (task?.stage === 'active' && task.cleanUp !== null) expect(task.status).toBe('halted');
      });
    }));

  it('begins no phase and takes no time point while it is cancelled, and begins no phase while it is paused', () =>
    always((history) => {
      let rest: 'cancelled' | 'paused' | null = null;
      for (const [index, { type }] of history.entries()) {
        if (type === 'MigrationTaskCancelled') rest = 'cancelled';
        if (type === 'MigrationTaskPaused') rest = 'paused';
        if (type === 'CancellationWithdrawn' || type === 'MigrationTaskResumed') rest = null;
        if (rest === 'cancelled') {
          expect(type, typesOf(history)).not.toMatch(/^(PhaseStarted|SynchronizationTimePoint)/);
        }
        // A phase may be over with the one before it.
        if (rest === 'paused' && type === 'PhaseStarted') {
          expect(history[index + 1]?.type, typesOf(history)).toBe('PhaseCompleted');
        }
      }
    }));

  it('has a state that a read model keeps as it is, and that people can be shown', () =>
    always((history) => {
      expectFoldToSurviveTheReadModel(migrationTasks.decider, history);
      const task = fold(migrationTasks.decider, history);
      if (task !== null) expect(() => migrationTaskView.parse(viewOf(task))).not.toThrow();
    }));

  it('is not changed by commands that come again', () =>
    always((_history, played) => expectRepeatsToChangeNothing(migrationTasks, played)));
});

describe('a task as people see it', () => {
  const states = async (...played: MigrationTaskCommand[]) => {
    const { accepted } = await recordCommands(migrationTasks, [create, ...played]);
    const view = viewOf(accepted.at(-1)!.handled.state!);
    return { step: view.step, phases: view.phases.map(({ state }) => state) };
  };

  it('has done, current and coming phases', async () => {
    expect(await states()).toEqual({
      step: 'Preparing the target VM',
      phases: ['current', 'ahead', 'ahead', 'ahead', 'ahead', 'ahead'],
    });
    expect(await states(...facts.slice(0, 3))).toEqual({
      step: 'Final synchronization',
      phases: ['done', 'done', 'done', 'current', 'ahead', 'ahead'],
    });
  });

  it('has only done phases at its end', async () => {
    expect(await states(...facts)).toEqual({ step: 'Completed', phases: Array(6).fill('done') });
  });
});

it('the moves lead to every event there is', async () => {
  const samples = fc.sample(commands, { numRuns: 400, seed: 7 });
  const reached = (await Promise.all(samples.map(play))).flat();
  const types = new Set(reached.map(({ event }) => migrationTasks.codec.encode(event).storedType));
  expect([...types].toSorted()).toEqual(migrationTasks.codec.storedTypes.toSorted());
});
