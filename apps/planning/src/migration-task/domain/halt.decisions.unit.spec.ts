import { describe, expect, it } from 'vitest';
import type { PhaseName, RoundKind, RoundTrigger } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import {
  FAILURE,
  NOW,
  ORDER,
  TASK,
  after,
  cancelled,
  created,
  halted,
  historyUpTo,
  paused,
  phaseCompleted,
  phaseStarted,
} from '../migration-task.examples.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';

const spec = DeciderSpec.of(migrationTaskDecider);
const ROUND = 'bf618394-0011-4000-8000-000000000011';
const fail = (phase: PhaseName): MigrationTaskCommand => ({ type: 'NoteFailure', phases: [phase], failure: FAILURE });
const begun = (roundKind: RoundKind, trigger: RoundTrigger): MigrationTaskCommand => ({
  type: 'NoteRoundStarted',
  roundId: ROUND,
  roundKind,
  trigger,
});
const cleared = (phase: PhaseName): MigrationTaskEvent => ({
  type: 'MigrationTaskHaltCleared',
  data: { taskId: TASK, phase, roundId: ROUND },
});
const calledOff: MigrationTaskEvent = {
  type: 'CleanUpCalledOff',
  data: { taskId: TASK, generation: 1, roundId: ROUND },
};
const withGrace = (failureGraceSeconds: number | null): MigrationTaskEvent => ({
  ...created,
  data: { ...created.data, settings: { ...ORDER.settings, failureGraceSeconds } } as never,
});

describe('a halted task that nobody attends to', () => {
  it('is cleaned up after its grace period', () => {
    const failed = spec.given(historyUpTo('full-sync')).when(fail('full-sync'), { now: NOW });
    failed.then([halted('full-sync')]);
    expect(failed.state).toMatchObject({ status: 'halted', cleanUp: { generation: 1, at: after(1200) } });
  });

  it('has a new date each time that it halts', () => {
    const again = [...historyUpTo('full-sync'), halted('full-sync'), phaseStarted('full-sync')];
    spec
      .given(again)
      .when(fail('full-sync'), { now: NOW })
      .then([halted('full-sync', 2)]);
  });

  it.each<[string, readonly MigrationTaskEvent[], PhaseName]>([
    ['when its settings say so', [withGrace(null), ...historyUpTo('full-sync').slice(1)], 'full-sync'],
    ['once the target has begun to take over', historyUpTo('take-over'), 'take-over'],
    ['while it is paused', [...historyUpTo('full-sync'), paused], 'full-sync'],
  ])('is never cleaned up by itself %s', (_when, history, phase) => {
    spec
      .given(history)
      .when(fail(phase), { now: NOW })
      .then([halted(phase, null)]);
  });
});

describe('a failure', () => {
  it.each<[string, readonly MigrationTaskEvent[]]>([
    ['whose phase is over', [...historyUpTo('full-sync'), paused, phaseCompleted('full-sync', 'full-sync-completed')]],
    ['that is cancelled', [...historyUpTo('full-sync'), cancelled(1)]],
  ])('does not halt a task %s', (_which, history) => {
    spec.given(history).when(fail('full-sync')).thenNothing();
  });
});

describe('a round that begins', () => {
  const HALTED = [...historyUpTo('full-sync'), halted('full-sync')];

  it.each<RoundTrigger>(['manual', 'schedule', 'retry', 'itinerary'])(
    'clears the halt of the full synchronization when it is a full one, and so the date (%s)',
    (trigger) => {
      const noted = spec.given(HALTED).when(begun('full', trigger));
      noted.then([cleared('full-sync')]);
      expect(noted.state).toMatchObject({ status: 'running', phase: 'full-sync', halt: null, cleanUp: null });
    },
  );

  it('that fails, too, halts the task again', () => {
    spec
      .given([...HALTED, cleared('full-sync')])
      .when(fail('full-sync'), { now: NOW })
      .then([halted('full-sync', 2)]);
  });

  it('of another kind leaves the halt, and calls off the clean-up when a person asked for it', () => {
    const history = [...historyUpTo('final-sync'), halted('final-sync')];
    const noted = spec.given(history).when(begun('incremental', 'manual'));
    noted.then([calledOff]);
    expect(noted.state).toMatchObject({ status: 'halted', halt: FAILURE, cleanUp: null });
    spec.given(history).when(begun('incremental', 'schedule')).thenNothing();
    spec
      .given([...history, calledOff])
      .when(begun('incremental', 'manual'))
      .thenNothing();
  });

  it.each<[string, readonly MigrationTaskEvent[]]>([
    ['runs', historyUpTo('full-sync')],
    ['is cancelled', [...HALTED, cancelled(2)]],
  ])('means nothing to a task that %s', (_how, history) => {
    spec.given(history).when(begun('full', 'manual')).thenNothing();
  });
});
