import { describe, expect, it } from 'vitest';
import type { PhaseName } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import {
  COMPLETED,
  CREATED,
  FAILURE,
  HOURLY,
  NOW,
  ORDER,
  RESTORER,
  TASK,
  created,
  halted,
  historyUpTo,
  phaseCompleted,
  phaseStarted,
  scheduleRemoved,
  scheduled,
  taskCompleted,
} from '../migration-task.examples.js';
import { STANDARD_ITINERARY } from './itinerary.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';

const spec = DeciderSpec.of(migrationTaskDecider);
const note = (fact: string, restorerId: string | null = null): MigrationTaskCommand => ({
  type: 'NoteFact',
  fact,
  restorerId,
});
const fail = (...phases: PhaseName[]): MigrationTaskCommand => ({ type: 'NoteFailure', phases, failure: FAILURE });
const retry: MigrationTaskCommand = { type: 'RetryMigrationTask' };
const following = STANDARD_ITINERARY.slice(0, -1).map(
  (phase, index) => [phase, STANDARD_ITINERARY[index + 1]!] as const,
);

describe('a migration task', () => {
  const create: MigrationTaskCommand = { type: 'CreateMigrationTask', order: ORDER };

  it('is created with the itinerary that it will follow, and begins its first phase', () => {
    spec.given([]).when(create, { now: NOW }).then(CREATED);
  });

  it('is created once', () => {
    spec.given(CREATED).when(create).thenNothing();
    spec.given(COMPLETED).when(create).thenNothing();
  });

  it.each<MigrationTaskCommand>([
    note('target-vm-ready'),
    fail('prepare-target'),
    retry,
    { type: 'ScheduleSync', schedule: HOURLY, nextTimePoint: NOW },
    { type: 'RemoveSyncSchedule' },
  ])('takes no $type before it is created', (command) => {
    spec.given([]).when(command).thenRefused('PLANNING.TASK_NOT_FOUND');
  });
});

describe('the phases of a task', () => {
  it('learn at the end of the first which restore environment it is', () => {
    spec
      .given(CREATED)
      .when(note('target-vm-ready', RESTORER))
      .then([phaseCompleted('prepare-target', 'target-vm-ready'), phaseStarted('full-sync')]);
  });

  it.each(following.slice(1).map(([phase, next]) => [phase.name, phase.waitsFor, next.name] as const))(
    '%s ends with %s and %s begins, with the restore environment remembered',
    (name, waitsFor, next) => {
      spec
        .given(historyUpTo(name))
        .when(note(waitsFor))
        .then([phaseCompleted(name, waitsFor), phaseStarted(next)]);
    },
  );

  it('end with the take-over, and so does the task', () => {
    spec
      .given(historyUpTo('take-over'))
      .when(note('take-over-declared'), { now: NOW })
      .then([phaseCompleted('take-over', 'take-over-declared'), taskCompleted]);
    expect(spec.given(COMPLETED).state).toMatchObject({ status: 'completed', phase: null, completedAt: NOW });
  });

  it.each(STANDARD_ITINERARY.map(({ name, waitsFor }) => [name, waitsFor] as const))(
    '%s takes no other fact than %s',
    (name, waitsFor) => {
      const others = STANDARD_ITINERARY.filter((phase) => phase.waitsFor !== waitsFor);
      expect(others).toHaveLength(5);
      for (const other of others) spec.given(historyUpTo(name)).when(note(other.waitsFor)).thenNothing();
    },
  );

  it('take no fact after the end', () => {
    for (const { waitsFor } of STANDARD_ITINERARY) spec.given(COMPLETED).when(note(waitsFor)).thenNothing();
  });

  it('are those that were recorded, whatever the itinerary of today says', () => {
    const short: MigrationTaskEvent = {
      ...created,
      data: {
        ...ORDER,
        createdAt: NOW,
        itinerary: [
          {
            name: 'prepare-target',
            action: 'create-target-vm',
            waitsFor: 'something-old',
            retryFrom: 'prepare-target',
          },
          { name: 'take-over', action: 'take-over', waitsFor: 'take-over-declared', retryFrom: 'take-over' },
        ],
      },
    } as MigrationTaskEvent;
    const history = [short, phaseStarted('prepare-target', null)];
    spec.given(history).when(note('target-vm-ready')).thenNothing();
    spec
      .given(history)
      .when(note('something-old', RESTORER))
      .then([phaseCompleted('prepare-target', 'something-old'), phaseStarted('take-over')]);
  });
});

describe('a failure', () => {
  it.each(STANDARD_ITINERARY.map(({ name }) => [name] as const))(
    'in %s halts the task there, with a reason',
    (name) => {
      spec
        .given(historyUpTo(name))
        .when(fail(name))
        .then([halted(name)]);
      expect(spec.given([...historyUpTo(name), halted(name)]).state).toMatchObject({
        status: 'halted',
        phase: name,
        halt: FAILURE,
      });
    },
  );

  it('of a phase that is over, or has not begun, halts nothing', () => {
    spec.given(historyUpTo('keep-in-sync')).when(fail('full-sync', 'final-sync')).thenNothing();
    spec.given(COMPLETED).when(fail('take-over')).thenNothing();
  });

  it('halts a task once', () => {
    spec
      .given([...historyUpTo('full-sync'), halted('full-sync')])
      .when(fail('full-sync'))
      .thenNothing();
  });
});

describe('retrying a halted task', () => {
  it.each(STANDARD_ITINERARY.map(({ name, retryFrom }) => [name, retryFrom] as const))(
    'that halted in %s begins with %s',
    (name, retryFrom) => {
      const restorerId = name === 'prepare-target' ? null : RESTORER;
      const history = [...historyUpTo(name), halted(name)];
      const again = spec.given(history).when(retry);
      again.then([phaseStarted(retryFrom, restorerId)]);
      expect(again.state).toMatchObject({ status: 'running', halt: null, phase: retryFrom });
    },
  );

  it('is refused while it runs, and after its end', () => {
    spec.given(historyUpTo('full-sync')).when(retry).thenRefused('PLANNING.TASK_NOT_HALTED');
    spec.given(COMPLETED).when(retry).thenRefused('PLANNING.TASK_ENDED');
  });

  it('is not needed when the fact comes after all', () => {
    const history = [...historyUpTo('full-sync'), halted('full-sync')];
    const noted = spec.given(history).when(note('full-sync-completed'));
    noted.then([phaseCompleted('full-sync', 'full-sync-completed'), phaseStarted('keep-in-sync')]);
    expect(noted.state).toMatchObject({ status: 'running', halt: null });
  });
});

describe('a synchronization schedule', () => {
  const at = (minute: number) => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
  const schedule = (nextTimePoint: string): MigrationTaskCommand => ({
    type: 'ScheduleSync',
    schedule: HOURLY,
    nextTimePoint,
  });
  const remove: MigrationTaskCommand = { type: 'RemoveSyncSchedule' };
  const reach = (generation: number, timePoint: string, nextTimePoint: string): MigrationTaskCommand => ({
    type: 'ReachTimePoint',
    generation,
    timePoint,
    nextTimePoint,
  });
  const reached = (generation: number, timePoint: string, nextTimePoint: string): MigrationTaskEvent => ({
    type: 'SynchronizationTimePointReached',
    data: { taskId: TASK, generation, timePoint, nextTimePoint },
  });
  const RUNNING = [...historyUpTo('keep-in-sync'), scheduled(1, at(10))];

  it('is a generation of its own each time it is set or removed', () => {
    spec
      .given(CREATED)
      .when(schedule(at(10)))
      .then([scheduled(1, at(10))]);
    spec
      .given(RUNNING)
      .when(schedule(at(20)))
      .then([scheduled(2, at(20))]);
    spec
      .given(RUNNING)
      .when(remove)
      .then([scheduleRemoved(2)]);
    spec
      .given([...RUNNING, scheduleRemoved(2)])
      .when(schedule(at(20)))
      .then([scheduled(3, at(20))]);
  });

  it('is removed only when there is one', () => {
    spec.given(CREATED).when(remove).thenNothing();
    spec
      .given([...RUNNING, scheduleRemoved(2)])
      .when(remove)
      .thenNothing();
  });

  it('reaches its time point when it is due, and not a moment earlier', () => {
    spec
      .given(RUNNING)
      .when(reach(1, at(10), at(20)), { now: at(10) })
      .then([reached(1, at(10), at(20))]);
    spec
      .given(RUNNING)
      .when(reach(1, at(10), at(20)), { now: '2026-03-01T10:09:59.999Z' })
      .thenNothing();
  });

  it('reaches each time point once', () => {
    const history = [...RUNNING, reached(1, at(10), at(20))];
    spec
      .given(history)
      .when(reach(1, at(10), at(20)), { now: at(30) })
      .thenNothing();
    spec
      .given(history)
      .when(reach(1, at(20), at(30)), { now: at(30) })
      .then([reached(1, at(20), at(30))]);
  });

  it.each([
    ['that was replaced', [...RUNNING, scheduled(2, at(10))]],
    ['that was removed', [...RUNNING, scheduleRemoved(2)]],
    ['of a task that has ended', [...historyUpTo('take-over'), scheduled(1, at(10)), ...COMPLETED.slice(-2)]],
  ])('%s reaches nothing', (_what, history) => {
    spec
      .given(history)
      .when(reach(1, at(10), at(20)), { now: at(30) })
      .thenNothing();
  });

  it('is not set for a task that has ended', () => {
    spec
      .given(COMPLETED)
      .when(schedule(at(10)))
      .thenRefused('PLANNING.TASK_ENDED');
    expect(spec.given([...historyUpTo('take-over'), scheduled(1, at(10)), ...COMPLETED.slice(-2)]).state).toMatchObject(
      {
        schedule: null,
        nextTimePoint: null,
      },
    );
  });
});
