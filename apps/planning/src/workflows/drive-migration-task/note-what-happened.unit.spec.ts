import { describe, expect, it } from 'vitest';
import { PUBLISHED, type RoundKind } from '#libs/contracts';
import { STANDARD_ITINERARY } from '../../migration-task/domain/itinerary.js';
import { FAILURE, RESTORER, TASK } from '../../migration-task/migration-task.examples.js';
import { noteWhatHappened } from './note-what-happened.js';

const targetVmId = 'd1830516-0001-4000-8000-000000000001';
const roundId = 'd1830516-0002-4000-8000-000000000002';
const verificationId = 'd1830516-0003-4000-8000-000000000003';
const taskId = TASK;

const noted = ({ stored }: { stored: string }, data: unknown) => noteWhatHappened({ storedType: stored, data });
const fact = (name: string, restorerId: string | null = null) => ({
  taskId,
  command: { type: 'NoteFact', fact: name, restorerId },
});
const failure = (...phases: string[]) => ({ taskId, command: { type: 'NoteFailure', phases, failure: FAILURE } });
const completed = (roundKind: RoundKind) =>
  noted(PUBLISHED.syncRoundCompleted, { taskId, roundId, roundKind, disks: [] });
const failed = (roundKind: RoundKind, more: object = {}) =>
  noted(PUBLISHED.syncRoundFailed, { taskId, roundId, roundKind, failure: FAILURE, ...more });

describe('what a fact means for its task', () => {
  it('a target VM that is ready, with its restore environment', () => {
    expect(noted(PUBLISHED.targetVmReady, { targetVmId, taskId, restorerId: RESTORER })).toEqual(
      fact('target-vm-ready', RESTORER),
    );
  });

  it('a target VM that failed halts what needs it', () => {
    expect(noted(PUBLISHED.targetVmFailed, { targetVmId, taskId, failure: FAILURE })).toEqual(
      failure('prepare-target', 'take-over'),
    );
  });

  it('a full or final round that completed is waited for, an incremental one is not', () => {
    expect(completed('full')).toEqual(fact('full-sync-completed'));
    expect(completed('final')).toEqual(fact('final-sync-completed'));
    expect(completed('incremental')).toBeNull();
  });

  it('a full or final round that failed halts its phase, an incremental one halts nothing', () => {
    expect(failed('full')).toEqual(failure('full-sync'));
    expect(failed('final')).toEqual(failure('final-sync'));
    expect(failed('incremental')).toBeNull();
  });

  it('a round that is tried again by itself halts nothing', () => {
    expect(failed('full', { retryAt: '2026-03-01T10:01:00.000Z' })).toBeNull();
  });

  it('work that ended with the cancellation of its task halts nothing', () => {
    const ended = { failure: { ...FAILURE, code: 'TASK_CANCELLED' } };
    for (const roundKind of ['full', 'final'] as const) expect(failed(roundKind, ended)).toBeNull();
    expect(noted(PUBLISHED.verificationFailed, { taskId, verificationId, ...ended })).toBeNull();
  });

  it('a round that begins, whoever asked for it', () => {
    const started = { taskId, roundId, number: 2, roundKind: 'full', trigger: 'schedule' };
    expect(noted(PUBLISHED.syncRoundStarted, started)).toEqual({
      taskId,
      command: { type: 'NoteRoundStarted', roundId, roundKind: 'full', trigger: 'schedule' },
    });
  });

  it('a target VM that is gone ends the clean-up, and one that cannot be removed holds it up', () => {
    expect(noted(PUBLISHED.targetVmRemoved, { targetVmId, taskId, restorerId: null })).toEqual({
      taskId,
      command: { type: 'NoteTargetRemoved' },
    });
    expect(noted(PUBLISHED.targetVmRemovalFailed, { targetVmId, taskId, failure: FAILURE })).toEqual({
      taskId,
      command: { type: 'NoteCleanUpFailure', failure: FAILURE },
    });
  });

  it('a verified replica, and one that could not be verified', () => {
    expect(noted(PUBLISHED.replicaVerified, { taskId, verificationId, disks: [] })).toEqual(fact('replica-verified'));
    expect(noted(PUBLISHED.verificationFailed, { taskId, verificationId, failure: FAILURE })).toEqual(
      failure('verify'),
    );
  });

  it('a replica that differs halts the verification and names the disks', () => {
    const differing = ['disk-a', 'disk-b'].map((diskId) => ({ diskId, sourceDigest: 'a', targetDigest: 'b' }));
    expect(noted(PUBLISHED.replicaDiffered, { taskId, verificationId, differing })).toMatchObject({
      taskId,
      command: {
        type: 'NoteFailure',
        phases: ['verify'],
        failure: { code: 'REPLICA_DIFFERED', detail: expect.stringContaining('disk-a, disk-b') },
      },
    });
  });

  it('the steps of a cutover', () => {
    expect(noted(PUBLISHED.finalSyncApproved, { taskId, confirmedBy: 'operator:bob' })).toEqual(
      fact('final-sync-approved'),
    );
    const declaredAt = '2026-03-01T10:00:00.000Z';
    expect(noted(PUBLISHED.takeOverDeclared, { taskId, targetVmId, declaredAt })).toEqual(fact('take-over-declared'));
  });

  it('nothing, when it is of no concern', () => {
    expect(noted(PUBLISHED.targetVmRemovalRequested, { targetVmId, taskId })).toBeNull();
    expect(noted({ stored: 'transfer.endpoint-connected.v1' }, {})).toBeNull();
  });

  it('stops at what it cannot read, rather than pass over it', () => {
    expect(() => noted(PUBLISHED.replicaVerified, { taskId })).toThrow();
  });
});

it('every fact that a phase waits for comes from some event', () => {
  const facts = [
    noted(PUBLISHED.targetVmReady, { targetVmId, taskId, restorerId: RESTORER }),
    completed('full'),
    completed('final'),
    noted(PUBLISHED.replicaVerified, { taskId, verificationId, disks: [] }),
    noted(PUBLISHED.finalSyncApproved, { taskId, confirmedBy: 'operator:bob' }),
    noted(PUBLISHED.takeOverDeclared, { taskId, targetVmId, declaredAt: '2026-03-01T10:00:00.000Z' }),
  ].map((note) => (note?.command.type === 'NoteFact' ? note.command.fact : null));
  expect(facts.toSorted()).toEqual(STANDARD_ITINERARY.map(({ waitsFor }) => waitsFor).toSorted());
});
