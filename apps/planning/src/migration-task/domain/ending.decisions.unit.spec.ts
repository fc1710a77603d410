import { describe, expect, it } from 'vitest';
import type { PhaseName } from '#libs/contracts';
import { DeciderSpec } from '#libs/testing';
import {
  COMPLETED,
  CREATED,
  FAILURE,
  NOW,
  RESTORER,
  after,
  cancelled,
  cleanUpCompleted,
  cleanUpFailed,
  cleanUpStarted,
  halted,
  historyUpTo,
  paused,
  phaseCompleted,
  phaseStarted,
  withdrawn,
} from '../migration-task.examples.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';

const spec = DeciderSpec.of(migrationTaskDecider);
const cancel: MigrationTaskCommand = { type: 'CancelMigrationTask', graceSeconds: null };
const withdraw: MigrationTaskCommand = { type: 'WithdrawCancellation' };
const note = (fact: string, restorerId: string | null = null): MigrationTaskCommand => ({
  type: 'NoteFact',
  fact,
  restorerId,
});
const reach = (generation: number): MigrationTaskCommand => ({ type: 'ReachCleanUp', generation });
const targetRemoved: MigrationTaskCommand = { type: 'NoteTargetRemoved' };
const failCleanUp: MigrationTaskCommand = { type: 'NoteCleanUpFailure', failure: FAILURE };

const SYNCING = historyUpTo('full-sync');
const CANCELLED = [...SYNCING, cancelled(1)];
const CLEANING_UP = [...CANCELLED, cleanUpStarted(1, 'cancellation', after(600))];
const ENDED = [...CLEANING_UP, cleanUpCompleted];

describe('cancelling a task', () => {
  it.each<[string, readonly MigrationTaskEvent[], number]>([
    ['runs', SYNCING, 1],
    ['is paused', [...SYNCING, paused], 1],
    ['is halted', [...SYNCING, halted('full-sync')], 2],
    ['was cancelled before', [...CANCELLED, withdrawn(1), phaseStarted('full-sync')], 2],
  ])('that %s sets the date on which what was created for it is removed', (_how, history, generation) => {
    const ended = spec.given(history).when(cancel, { now: NOW });
    ended.then([cancelled(generation)]);
    expect(ended.state).toMatchObject({ status: 'cancelling', cleanUp: { generation, at: after(600) } });
  });

  it('takes the grace period that is asked for, also none', () => {
    for (const graceSeconds of [0, 60]) {
      spec
        .given(SYNCING)
        .when({ type: 'CancelMigrationTask', graceSeconds }, { now: NOW })
        .then([cancelled(1, graceSeconds)]);
    }
  });

  it.each<[string, readonly MigrationTaskEvent[], string]>([
    ['the target has begun to take over', historyUpTo('take-over'), 'PLANNING.TOO_LATE_TO_CANCEL'],
    ['that has failed', [...historyUpTo('take-over'), halted('take-over', null)], 'PLANNING.TOO_LATE_TO_CANCEL'],
    ['it was cancelled', CANCELLED, 'PLANNING.TASK_CANCELLED'],
    ['it is cleaned up', CLEANING_UP, 'PLANNING.TASK_CANCELLED'],
    ['it has ended', ENDED, 'PLANNING.TASK_ENDED'],
    ['it is complete', COMPLETED, 'PLANNING.TASK_ENDED'],
  ])('is refused once %s', (_when, history, code) => {
    spec.given(history).when(cancel).thenRefused(code);
  });
});

describe('withdrawing a cancellation', () => {
  it('begins the phase again that was in hand', () => {
    const again = spec.given(CANCELLED).when(withdraw);
    again.then([withdrawn(1), phaseStarted('full-sync')]);
    expect(again.state).toMatchObject({ status: 'running', phase: 'full-sync', cleanUp: null });
  });

  it('begins the next phase when the one in hand was over meanwhile', () => {
    const ready = [phaseCompleted('prepare-target', 'target-vm-ready')];
    const history = [...CREATED, cancelled(1)];
    const noted = spec.given(history).when(note('target-vm-ready', RESTORER));
    noted.then(ready);
    expect(noted.state).toMatchObject({ status: 'cancelling', cleanUp: { generation: 1, at: after(600) } });
    spec
      .given([...history, ...ready])
      .when(withdraw)
      .then([withdrawn(1), phaseStarted('full-sync')]);
  });

  it.each<PhaseName>(['keep-in-sync', 'final-sync', 'verify'])(
    'goes back from %s to where a person declares the source stopped, whatever the cutover came to meanwhile',
    (phase) => {
      const history = [...historyUpTo(phase), cancelled(1)];
      for (const fact of ['final-sync-approved', 'final-sync-completed', 'replica-verified']) {
        spec.given(history).when(note(fact)).thenNothing();
      }
      spec
        .given(history)
        .when(withdraw)
        .then([withdrawn(1), phaseStarted('keep-in-sync')]);
    },
  );

  it('of a task that was halted or paused lets it run', () => {
    for (const before of [halted('full-sync'), paused]) {
      const again = spec.given([...SYNCING, before, cancelled(2)]).when(withdraw);
      again.then([withdrawn(2), phaseStarted('full-sync')]);
      expect(again.state).toMatchObject({ status: 'running', halt: null });
    }
  });

  it.each<[string, readonly MigrationTaskEvent[], string]>([
    ['is not cancelled', SYNCING, 'PLANNING.TASK_NOT_CANCELLED'],
    ['is paused', [...SYNCING, paused], 'PLANNING.TASK_NOT_CANCELLED'],
    ['is being cleaned up', CLEANING_UP, 'PLANNING.TASK_CANCELLED'],
    ['has ended', ENDED, 'PLANNING.TASK_ENDED'],
    ['is complete', COMPLETED, 'PLANNING.TASK_ENDED'],
  ])('is refused for a task that %s', (_how, history, code) => {
    spec.given(history).when(withdraw).thenRefused(code);
  });
});

describe('the clean-up of a task', () => {
  it.each<[string, readonly MigrationTaskEvent[], number, 'cancellation' | 'failure']>([
    ['that was cancelled', CANCELLED, 600, 'cancellation'],
    ['that failed and that nobody attended to', [...SYNCING, halted('full-sync')], 1200, 'failure'],
  ])('%s begins on its date, and not a moment earlier', (_which, history, seconds, cause) => {
    const early = new Date(Date.parse(after(seconds)) - 1).toISOString();
    spec.given(history).when(reach(1), { now: early }).thenNothing();
    const begun = spec.given(history).when(reach(1), { now: after(seconds) });
    begun.then([cleanUpStarted(1, cause, after(seconds))]);
    expect(begun.state).toMatchObject({ status: 'cleaning-up', cleanUp: null });
  });

  it.each<[string, readonly MigrationTaskEvent[], number]>([
    ['was withdrawn', [...CANCELLED, withdrawn(1), phaseStarted('full-sync')], 1],
    ['is an earlier one', [...CANCELLED, withdrawn(1), phaseStarted('full-sync'), cancelled(2)], 1],
    ['was retried away', [...SYNCING, halted('full-sync'), phaseStarted('full-sync')], 1],
    ['came after all', [...SYNCING, halted('full-sync'), phaseCompleted('full-sync', 'full-sync-completed')], 1],
    ['has begun', CLEANING_UP, 1],
    ['was never asked for', SYNCING, 0],
  ])('does not begin for a date that %s', (_how, history, generation) => {
    spec
      .given(history)
      .when(reach(generation), { now: after(99_999) })
      .thenNothing();
  });

  it('ends when the target VM is gone, and so does the task', () => {
    const end = spec.given(CLEANING_UP).when(targetRemoved, { now: NOW });
    end.then([cleanUpCompleted]);
    expect(end.state).toMatchObject({ status: 'cancelled', cleanUpFailure: null });
    for (const history of [SYNCING, CANCELLED, ENDED, COMPLETED]) spec.given(history).when(targetRemoved).thenNothing();
  });

  it('may fail, once, and is complete when the target VM is gone after all', () => {
    spec.given(CLEANING_UP).when(failCleanUp).then([cleanUpFailed]);
    const history = [...CLEANING_UP, cleanUpFailed];
    expect(spec.given(history).state).toMatchObject({ status: 'cleaning-up', cleanUpFailure: FAILURE });
    spec.given(history).when(failCleanUp).thenNothing();
    spec.given(history).when(targetRemoved, { now: NOW }).then([cleanUpCompleted]);
    for (const other of [SYNCING, CANCELLED, ENDED]) spec.given(other).when(failCleanUp).thenNothing();
  });

  it('takes no fact', () => {
    for (const history of [CLEANING_UP, ENDED]) spec.given(history).when(note('full-sync-completed')).thenNothing();
  });
});
