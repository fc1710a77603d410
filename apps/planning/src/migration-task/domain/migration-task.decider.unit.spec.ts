import { describe, expect, it } from 'vitest';
import { DEFAULT_TASK_SETTINGS, type PhaseName } from '#libs/contracts';
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
/** What has begun to take over is never cleaned up by itself. */
const generationAt = (phase: PhaseName): number | null => (phase === 'take-over' ? null : 1);
const following = STANDARD_ITINERARY.slice(0, -1).map(
  (phase, index) => [phase, STANDARD_ITINERARY[index + 1]!] as const,
);

describe('a migration task', () => {
  const create: MigrationTaskCommand = { type: 'CreateMigrationTask', order: ORDER };

  it('is created with the itinerary that it will follow, and begins its first phase', () => {
    spec.given([]).when(create, { now: NOW }).then(CREATED);
  });

  it('that an earlier version created without settings has those of the defaults, and SHA-256', () => {
    const { settings: _settings, ...old } = ORDER;
    const event = { ...created, data: { ...old, itinerary: STANDARD_ITINERARY, createdAt: NOW } } as MigrationTaskEvent;
    expect(spec.given([event]).state).toMatchObject({
      settings: { ...DEFAULT_TASK_SETTINGS, digestAlgorithm: 'sha256' },
    });
    const settings = { ...ORDER.settings, digestAlgorithm: undefined };
    const known = { ...event, data: { ...event.data, settings } } as MigrationTaskEvent;
    expect(spec.given([known]).state).toMatchObject({ settings: { ...ORDER.settings, digestAlgorithm: 'sha256' } });
    expect(spec.given(CREATED).state).toMatchObject({ settings: ORDER.settings });
  });

  it('is created once', () => {
    spec.given(CREATED).when(create).thenNothing();
    spec.given(COMPLETED).when(create).thenNothing();
  });

  it.each<MigrationTaskCommand>([
    note('target-vm-ready'),
    fail('prepare-target'),
    { type: 'NoteRoundStarted', roundId: TASK, roundKind: 'full', trigger: 'manual' },
    retry,
    { type: 'PauseMigrationTask' },
    { type: 'ResumeMigrationTask' },
    { type: 'CancelMigrationTask', graceSeconds: null },
    { type: 'WithdrawCancellation' },
    { type: 'ReachCleanUp', generation: 1 },
    { type: 'NoteTargetRemoved' },
    { type: 'NoteCleanUpFailure', failure: FAILURE },
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
      const others = STANDARD_ITINERARY.filter(
        (phase) => phase.waitsFor !== waitsFor && !(name === 'final-sync' && phase.name === 'verify'),
      );
      expect(others).toHaveLength(name === 'final-sync' ? 4 : 5);
      for (const other of others) spec.given(historyUpTo(name)).when(note(other.waitsFor)).thenNothing();
    },
  );

  it('are complete together, when one was begun again for the sake of a later one whose fact comes after all', () => {
    const history = [...historyUpTo('verify'), halted('verify'), phaseStarted('final-sync')];
    spec
      .given(history)
      .when(note('replica-verified'))
      .then([
        phaseCompleted('final-sync', 'replica-verified'),
        phaseStarted('verify'),
        phaseCompleted('verify', 'replica-verified'),
        phaseStarted('take-over'),
      ]);
  });

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
        .then([halted(name, generationAt(name))]);
      expect(spec.given([...historyUpTo(name), halted(name, generationAt(name))]).state).toMatchObject({
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
