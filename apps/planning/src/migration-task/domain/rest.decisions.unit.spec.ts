import { describe, expect, it } from 'vitest';
import { DeciderSpec } from '#libs/testing';
import {
  COMPLETED,
  CREATED,
  FAILURE,
  NOW,
  RESTORER,
  TASK,
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
  resumed,
  taskCompleted,
} from '../migration-task.examples.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';

const spec = DeciderSpec.of(migrationTaskDecider);
const pause: MigrationTaskCommand = { type: 'PauseMigrationTask' };
const resume: MigrationTaskCommand = { type: 'ResumeMigrationTask' };
const retry: MigrationTaskCommand = { type: 'RetryMigrationTask' };
const note = (fact: string): MigrationTaskCommand => ({ type: 'NoteFact', fact, restorerId: null });

const SYNCING = historyUpTo('full-sync');
const PAUSED = [...SYNCING, paused];
const CLEANING_UP = [...SYNCING, cancelled(1), cleanUpStarted(1, 'cancellation', after(600))];

describe('a paused task', () => {
  it('is one that runs or is halted, and that a person holds, once', () => {
    spec.given(SYNCING).when(pause).then([paused]);
    spec
      .given([...SYNCING, halted('full-sync')])
      .when(pause)
      .then([paused]);
    expect(spec.given(PAUSED).state).toMatchObject({ status: 'paused', phase: 'full-sync' });
    spec.given(PAUSED).when(pause).thenRefused('PLANNING.TASK_PAUSED');
  });

  it('takes the end of its phase, and begins the next one when it is resumed', () => {
    const over = [...PAUSED, phaseCompleted('full-sync', 'full-sync-completed')];
    spec.given(PAUSED).when(note('full-sync-completed')).then(over.slice(-1));
    spec.given(over).when(note('full-sync-completed')).thenNothing();
    spec
      .given(over)
      .when(resume)
      .then([resumed, phaseStarted('keep-in-sync')]);
  });

  it('learns of its restore environment though it rests', () => {
    const noted = spec
      .given([...CREATED, paused])
      .when({ type: 'NoteFact', fact: 'target-vm-ready', restorerId: RESTORER });
    noted.then([phaseCompleted('prepare-target', 'target-vm-ready')]);
    expect(noted.state).toMatchObject({ restorerId: RESTORER, status: 'paused' });
  });

  it('goes on with the phase in hand when that is not over', () => {
    const again = spec.given(PAUSED).when(resume);
    again.then([resumed]);
    expect(again.state).toMatchObject({ status: 'running', phase: 'full-sync' });
  });

  it('may come to its end', () => {
    const end = spec.given([...historyUpTo('take-over'), paused]).when(note('take-over-declared'), { now: NOW });
    end.then([phaseCompleted('take-over', 'take-over-declared'), taskCompleted]);
    expect(end.state).toMatchObject({ status: 'completed' });
  });

  it('may halt, which is shown when it is resumed, with the grace period counted from then on', () => {
    const history = [...PAUSED, halted('full-sync', null)];
    expect(spec.given(history).state).toMatchObject({ status: 'paused', halt: FAILURE, cleanUp: null });
    const again = spec.given(history).when(resume, { now: NOW });
    again.then([{ type: 'MigrationTaskResumed', data: { taskId: TASK, cleanUpAt: after(1200), generation: 1 } }]);
    expect(again.state).toMatchObject({ status: 'halted', cleanUp: { at: after(1200), generation: 1 } });
  });

  it('is not cleaned up by itself, though it had halted', () => {
    const history = [...SYNCING, halted('full-sync'), paused];
    expect(spec.given(history).state).toMatchObject({ cleanUp: null, halt: FAILURE });
    spec
      .given(history)
      .when({ type: 'ReachCleanUp', generation: 1 }, { now: after(99_999) })
      .thenNothing();
  });

  it('is not retried', () => {
    spec
      .given([...SYNCING, halted('full-sync'), paused])
      .when(retry)
      .thenRefused('PLANNING.TASK_PAUSED');
  });
});

describe('pausing and resuming', () => {
  it('are refused for a task that is not so', () => {
    spec.given(SYNCING).when(resume).thenRefused('PLANNING.TASK_NOT_PAUSED');
  });

  it.each<[string, readonly MigrationTaskEvent[], string]>([
    ['is cancelled', [...SYNCING, cancelled(1)], 'PLANNING.TASK_CANCELLED'],
    ['is cleaned up', CLEANING_UP, 'PLANNING.TASK_CANCELLED'],
    ['was cancelled', [...CLEANING_UP, cleanUpCompleted], 'PLANNING.TASK_ENDED'],
    ['is complete', COMPLETED, 'PLANNING.TASK_ENDED'],
  ])('are refused, as a retry is, for a task that %s', (_how, history, code) => {
    for (const command of [pause, resume, retry]) spec.given(history).when(command).thenRefused(code);
  });
});

describe('retrying a clean-up', () => {
  it('begins it again after it failed, as one of its own', () => {
    const again = spec.given([...CLEANING_UP, cleanUpFailed]).when(retry, { now: NOW });
    again.then([cleanUpStarted(2, 'retry', NOW)]);
    expect(again.state).toMatchObject({ status: 'cleaning-up', cleanUpFailure: null });
  });
});
