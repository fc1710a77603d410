import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrationTaskView } from '#libs/contracts';
import { fold } from '#libs/eventsourcing';
import { expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing, recordCommands } from '#libs/testing';
import { STANDARD_ITINERARY } from './domain/itinerary.js';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import type { MigrationTaskEvent } from './domain/migration-task.events.js';
import { migrationTasks } from './migration-task.aggregate.js';
import { FAILURE, HOURLY, ORDER, RESTORER } from './migration-task.examples.js';
import { viewOf } from './read-model/migration-task.projection.js';

const create: MigrationTaskCommand = { type: 'CreateMigrationTask', order: ORDER };
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
const LONG_AGO = '2026-01-01T00:00:00.000Z';
const others: MigrationTaskCommand[] = [
  create,
  { type: 'RetryMigrationTask' },
  { type: 'ScheduleSync', schedule: HOURLY, nextTimePoint: LONG_AGO },
  { type: 'RemoveSyncSchedule' },
  { type: 'ReachTimePoint', generation: 1, timePoint: LONG_AGO, nextTimePoint: '2026-01-01T01:00:00.000Z' },
];
const commands = fc
  .tuple(
    fc.integer({ min: 0, max: facts.length }),
    fc.array(fc.constantFrom(...facts, ...failures, ...others), { maxLength: 20 }),
  )
  .map(([done, rest]) => [create, ...facts.slice(0, done), ...rest]);

const always = (check: (history: readonly MigrationTaskEvent[], played: readonly MigrationTaskCommand[]) => unknown) =>
  fc.assert(
    fc.asyncProperty(commands, async (played) => {
      const { persisted } = await recordCommands(migrationTasks, played);
      await check(
        persisted.flatMap((stored) => migrationTasks.codec.decode(stored) ?? []),
        played,
      );
    }),
  );

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

  it('is complete once, and nothing follows', () =>
    always((history) => {
      const end = history.findIndex(({ type }) => type === 'MigrationTaskCompleted');
      if (end !== -1) expect(history).toHaveLength(end + 1);
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
