import type { DiskRoundResult, ExportedDisk, Failure, RoundKind, RoundTrigger } from '#libs/contracts';
import type { ReplicationEvent, ReplicationPrepared } from './domain/replication.events.js';

/** A replication of two disks, for specs. */

const GIB = 1024 ** 3;

export const TASK = '2f3a4b5c-0001-4000-8000-000000000001';
export const AGENT = '2f3a4b5c-0002-4000-8000-000000000002';
export const RESTORER = '2f3a4b5c-0003-4000-8000-000000000003';
export const ROUND_1 = '2f3a4b5c-0011-4000-8000-000000000011';
export const ROUND_2 = '2f3a4b5c-0012-4000-8000-000000000012';
export const ROUND_3 = '2f3a4b5c-0013-4000-8000-000000000013';
export const VERIFICATION = '2f3a4b5c-0021-4000-8000-000000000021';

export const DISKS = [
  { diskId: 'disk-a', device: '/dev/sda', sizeBytes: 40 * GIB },
  { diskId: 'disk-b', device: '/dev/sdb', sizeBytes: 10 * GIB },
] as const;

export const ORDER: ReplicationPrepared['data'] = {
  taskId: TASK,
  sourceMachineId: AGENT,
  restorerId: RESTORER,
  disks: DISKS,
};

export const FAILURE: Failure = { code: 'DATA_PATH_LOST', detail: 'The connection was reset.', remedy: 'Try again.' };

/** 64 hexadecimal digits, the same ones for the same digit. */
export const digest = (digit: string): string => digit.repeat(64);

export const results = (digits = 'ab'): DiskRoundResult[] =>
  DISKS.map(({ diskId, sizeBytes: diskBytes }, index) => ({
    diskId,
    diskBytes,
    usedBytes: GIB,
    readBytes: GIB,
    sentBytes: GIB / 2,
    zeroedBytes: GIB / 4,
    durationMs: 1234.5,
    baseline: 'none',
    digestAlgorithm: 'sha256',
    digestBlockBytes: 65_536,
    rootDigest: digest(digits.charAt(index)),
  }));

export const digests = (digits = 'ab') =>
  results(digits).map(({ diskId, diskBytes, digestAlgorithm, digestBlockBytes, rootDigest }) => ({
    diskId,
    diskBytes,
    digestAlgorithm,
    digestBlockBytes,
    rootDigest,
  }));

export const EXPORTS: ExportedDisk[] = DISKS.map(({ diskId }, index) => ({
  diskId,
  export: { host: '127.0.0.1', port: 10_809 + index, exportName: diskId },
}));

export const prepared: ReplicationEvent = { type: 'ReplicationPrepared', data: ORDER };

export const started = (
  roundId: string,
  number: number,
  roundKind: RoundKind,
  trigger: RoundTrigger = 'itinerary',
): ReplicationEvent => ({ type: 'SyncRoundStarted', data: { taskId: TASK, roundId, number, roundKind, trigger } });

export const opened = (roundId: string): ReplicationEvent => ({
  type: 'ExportsOpened',
  data: { taskId: TASK, roundId, exports: EXPORTS },
});

export const completed = (roundId: string, roundKind: RoundKind, digits = 'ab'): ReplicationEvent => ({
  type: 'SyncRoundCompleted',
  data: { taskId: TASK, roundId, roundKind, disks: results(digits) },
});

export const failed = (roundId: string, roundKind: RoundKind): ReplicationEvent => ({
  type: 'SyncRoundFailed',
  data: { taskId: TASK, roundId, roundKind, failure: FAILURE },
});

export const finalSyncQueued: ReplicationEvent = { type: 'FinalSyncQueued', data: { taskId: TASK } };

export const verificationStarted: ReplicationEvent = {
  type: 'VerificationStarted',
  data: { taskId: TASK, verificationId: VERIFICATION },
};

export const verified: ReplicationEvent = {
  type: 'ReplicaVerified',
  data: { taskId: TASK, verificationId: VERIFICATION, disks: digests() },
};

export const differed = (digits: string): ReplicationEvent => ({
  type: 'ReplicaDiffered',
  data: {
    taskId: TASK,
    verificationId: VERIFICATION,
    differing: digests().flatMap(({ diskId, rootDigest: sourceDigest }, index) => {
      const targetDigest = digest(digits.charAt(index));
      return sourceDigest === targetDigest ? [] : [{ diskId, sourceDigest, targetDigest }];
    }),
  },
});

export const verificationFailed: ReplicationEvent = {
  type: 'VerificationFailed',
  data: { taskId: TASK, verificationId: VERIFICATION, failure: FAILURE },
};

/** Histories that many specs begin with. */
export const FULL_RUNNING = [prepared, started(ROUND_1, 1, 'full')];
export const FULL_DONE = [...FULL_RUNNING, opened(ROUND_1), completed(ROUND_1, 'full', '12')];
export const INCREMENTAL_RUNNING = [...FULL_DONE, started(ROUND_2, 2, 'incremental', 'manual')];
export const FINAL_RUNNING = [...FULL_DONE, started(ROUND_3, 2, 'final')];
export const FINAL_DONE = [...FINAL_RUNNING, opened(ROUND_3), completed(ROUND_3, 'final')];
export const VERIFYING = [...FINAL_DONE, verificationStarted];
export const VERIFIED = [...VERIFYING, verified];
