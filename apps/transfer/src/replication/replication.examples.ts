import {
  type Comparison,
  DEFAULT_REPLICATION_SETTINGS,
  type DiskRoundResult,
  type ExportedDisk,
  type Failure,
  type ResumeWindowCause,
  type RoundKind,
  type RoundTrigger,
  failureFor,
} from '#libs/contracts';
import type { End, ReplicationEvent } from './domain/replication.events.js';

/** A replication of two disks, for specs. */

const GIB = 1024 ** 3;

export const TASK = '2f3a4b5c-0001-4000-8000-000000000001';
export const AGENT = '2f3a4b5c-0002-4000-8000-000000000002';
export const RESTORER = '2f3a4b5c-0003-4000-8000-000000000003';
export const ROUND_1 = '2f3a4b5c-0011-4000-8000-000000000011';
export const ROUND_2 = '2f3a4b5c-0012-4000-8000-000000000012';
export const ROUND_3 = '2f3a4b5c-0013-4000-8000-000000000013';
export const ROUND_4 = '2f3a4b5c-0014-4000-8000-000000000014';
export const VERIFICATION = '2f3a4b5c-0021-4000-8000-000000000021';
export const VERIFICATION_2 = '2f3a4b5c-0022-4000-8000-000000000022';

export const DISKS = [
  { diskId: 'disk-a', device: '/dev/sda', sizeBytes: 40 * GIB },
  { diskId: 'disk-b', device: '/dev/sdb', sizeBytes: 10 * GIB },
] as const;

export const SETTINGS = DEFAULT_REPLICATION_SETTINGS;
export const ORDER = {
  taskId: TASK,
  sourceMachineId: AGENT,
  restorerId: RESTORER,
  disks: DISKS,
  settings: SETTINGS,
} as const;

export const FAILING = { code: 'SOURCE_READ_FAILED', detail: 'Input/output error.' } as const;
export const FAILURE: Failure = failureFor(FAILING.code, FAILING.detail);
/** A failure that may pass, so that the round is tried again by itself. */
export const PASSING = { code: 'EXPORT_FAILED', detail: 'The server of disk-a ended.' } as const;

/** The moment at which every window of the histories opens, and which the commands of specs take for now. */
const BEGINNING_MS = Date.UTC(2026, 2, 1, 10);

/** So many seconds after the windows of the histories were opened. */
export const after = (seconds: number): string => new Date(BEGINNING_MS + seconds * 1000).toISOString();

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
    digestAlgorithm: 'blake3',
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

/** @param changes of the settings */
export const preparedWith = (changes: Partial<typeof SETTINGS>): ReplicationEvent => ({
  type: 'ReplicationPrepared',
  data: { ...ORDER, settings: { ...SETTINGS, ...changes } },
});

export const started = (
  roundId: string,
  number: number,
  roundKind: RoundKind,
  trigger: RoundTrigger = 'itinerary',
): ReplicationEvent => ({ type: 'SyncRoundStarted', data: { taskId: TASK, roundId, number, roundKind, trigger } });

/** The same round, with everything to be sent again. */
export const resent = (event: ReplicationEvent): ReplicationEvent =>
  ({ ...event, data: { ...event.data, resend: true } }) as ReplicationEvent;

export const opened = (roundId: string, attempt = 1): ReplicationEvent => ({
  type: 'ExportsOpened',
  data: { taskId: TASK, roundId, exports: EXPORTS, attempt },
});

export const established = (roundId: string, attempt = 1, comparison: Comparison = 'all-blocks'): ReplicationEvent => ({
  type: 'LinkEstablished',
  data: { taskId: TASK, roundId, attempt, comparison },
});

export const DETAIL = 'The connection was reset.';
export const linkLost = (roundId: string, attempt = 1, lostAt = after(0)): ReplicationEvent => ({
  type: 'LinkLost',
  data: { taskId: TASK, roundId, attempt, lostAt, detail: DETAIL },
});

export const windowOpened = (
  workId: string,
  generation: number,
  cause: ResumeWindowCause = 'begin',
  openedSeconds = 0,
): ReplicationEvent => {
  const [openedAt, deadlineAt] = [after(openedSeconds), after(openedSeconds + SETTINGS.resumeWindowSeconds)];
  return { type: 'ResumeWindowOpened', data: { taskId: TASK, workId, generation, cause, openedAt, deadlineAt } };
};

/** @param seenSeconds when the end that is away was seen at work */
export const windowExtended = (workId: string, generation: number, seenSeconds: number): ReplicationEvent => {
  const [seenAt, deadlineAt] = [after(seenSeconds), after(seenSeconds + SETTINGS.resumeWindowSeconds)];
  return { type: 'ResumeWindowExtended', data: { taskId: TASK, workId, generation, seenAt, deadlineAt } };
};

export const windowClosed = (workId: string, generation: number): ReplicationEvent => ({
  type: 'ResumeWindowClosed',
  data: { taskId: TASK, workId, generation },
});

export const windowExpired = (
  workId: string,
  generation: number,
  cause: ResumeWindowCause,
  deadlineSeconds: number = SETTINGS.resumeWindowSeconds,
): ReplicationEvent => ({
  type: 'ResumeWindowExpired',
  data: { taskId: TASK, workId, generation, cause, deadlineAt: after(deadlineSeconds) },
});

export const left = (workId: string, end: End, seconds = 0): ReplicationEvent => ({
  type: 'ControlChannelLost',
  data: { taskId: TASK, workId, end, lostAt: after(seconds) },
});

export const returned = (workId: string, end: End, seconds = 0): ReplicationEvent => ({
  type: 'ControlChannelRestored',
  data: { taskId: TASK, workId, end, restoredAt: after(seconds) },
});

export const completed = (roundId: string, roundKind: RoundKind, digits = 'ab'): ReplicationEvent => ({
  type: 'SyncRoundCompleted',
  data: { taskId: TASK, roundId, roundKind, disks: results(digits) },
});

export const failed = (roundId: string, roundKind: RoundKind, failure = FAILURE): ReplicationEvent => ({
  type: 'SyncRoundFailed',
  data: { taskId: TASK, roundId, roundKind, failure },
});

/** A round that failed and is tried again by itself. */
export const failedForNow = (
  roundId: string,
  roundKind: RoundKind,
  { retryNumber = 1, generation = 2, retrySeconds = 60 } = {},
): ReplicationEvent[] => {
  const retryAt = after(retrySeconds);
  const failure = failureFor(PASSING.code, PASSING.detail);
  return [
    { type: 'SyncRoundFailed', data: { taskId: TASK, roundId, roundKind, failure, retryAt } },
    { type: 'RetryScheduled', data: { taskId: TASK, roundKind, retryNumber, generation, retryAt } },
  ];
};

export const skipped = (reason: string): ReplicationEvent => ({
  type: 'SyncRoundSkipped',
  data: { taskId: TASK, reason },
});

export const finalSyncQueued: ReplicationEvent = { type: 'FinalSyncQueued', data: { taskId: TASK } };

const startedVerification = (verificationId: string): ReplicationEvent => ({
  type: 'VerificationStarted',
  data: { taskId: TASK, verificationId },
});
export const verificationStarted = startedVerification(VERIFICATION);

const begunDigests = (verificationId: string): ReplicationEvent => ({
  type: 'DigestsBegun',
  data: { taskId: TASK, verificationId },
});
export const digestsBegun = begunDigests(VERIFICATION);

export const verified: ReplicationEvent = {
  type: 'ReplicaVerified',
  data: { taskId: TASK, verificationId: VERIFICATION, disks: digests() },
};

const difference = (digits: string, verificationId: string) => ({
  taskId: TASK,
  verificationId,
  differing: digests().flatMap(({ diskId, rootDigest: sourceDigest }, index) => {
    const targetDigest = digest(digits.charAt(index));
    return sourceDigest === targetDigest ? [] : [{ diskId, sourceDigest, targetDigest }];
  }),
});

export const repairStarted = (digits: string): ReplicationEvent => ({
  type: 'RepairStarted',
  data: difference(digits, VERIFICATION),
});

/** Also after a repair. */
export const differed = (digits: string): ReplicationEvent => ({
  type: 'ReplicaDiffered',
  data: difference(digits, VERIFICATION_2),
});

export const verificationFailed: ReplicationEvent = {
  type: 'VerificationFailed',
  data: { taskId: TASK, verificationId: VERIFICATION, failure: FAILURE },
};

export const paused: ReplicationEvent = { type: 'ReplicationPaused', data: { taskId: TASK } };
export const resumed: ReplicationEvent = { type: 'ReplicationResumed', data: { taskId: TASK } };
export const stopped: ReplicationEvent = { type: 'ReplicationStopped', data: { taskId: TASK } };
export const reinstated: ReplicationEvent = { type: 'ReplicationReinstated', data: { taskId: TASK } };

/** The agent has its data path in the first attempt of a round. */
const begun = (roundId: string, generation: number, comparison: Comparison): ReplicationEvent[] => [
  opened(roundId),
  established(roundId, 1, comparison),
  windowClosed(roundId, generation),
];

/** Histories that many specs begin with. `RUNNING` rounds wait for their beginning, `BEGUN` ones transfer. */
export const FULL_RUNNING = [prepared, started(ROUND_1, 1, 'full'), windowOpened(ROUND_1, 1)];
export const FULL_BEGUN = [...FULL_RUNNING, ...begun(ROUND_1, 1, 'all-blocks')];
export const FULL_DONE = [...FULL_BEGUN, completed(ROUND_1, 'full', '12')];
export const INCREMENTAL_RUNNING = [
  ...FULL_DONE,
  started(ROUND_2, 2, 'incremental', 'manual'),
  windowOpened(ROUND_2, 2),
];
export const INCREMENTAL_BEGUN = [...INCREMENTAL_RUNNING, ...begun(ROUND_2, 2, 'rescan')];
export const FINAL_RUNNING = [...FULL_DONE, started(ROUND_3, 2, 'final'), windowOpened(ROUND_3, 2)];
export const FINAL_BEGUN = [...FINAL_RUNNING, ...begun(ROUND_3, 2, 'rescan')];
export const FINAL_DONE = [...FINAL_BEGUN, completed(ROUND_3, 'final')];
export const VERIFYING = [...FINAL_DONE, verificationStarted, windowOpened(VERIFICATION, 3)];
export const DIGESTING = [...VERIFYING, digestsBegun, windowClosed(VERIFICATION, 3)];
/** Disk b differs, and is repaired by a final round. */
export const REPAIR_RUNNING = [
  ...DIGESTING,
  repairStarted('ac'),
  started(ROUND_4, 3, 'final', 'repair'),
  windowOpened(ROUND_4, 4),
];
export const REPAIR_BEGUN = [...REPAIR_RUNNING, ...begun(ROUND_4, 4, 'rescan')];
export const REPAIR_DONE = [
  ...REPAIR_BEGUN,
  completed(ROUND_4, 'final'),
  startedVerification(VERIFICATION_2),
  windowOpened(VERIFICATION_2, 5),
];
export const DIGESTING_AGAIN = [...REPAIR_DONE, begunDigests(VERIFICATION_2), windowClosed(VERIFICATION_2, 5)];
/** The repair did not help. */
export const DIFFERED = [...DIGESTING_AGAIN, differed('ac')];
export const VERIFIED = [...DIGESTING, verified];
/** The link of the full round was lost, and the second attempt waits for the disks. */
export const LINK_LOST = [...FULL_BEGUN, linkLost(ROUND_1), windowOpened(ROUND_1, 2, 'link-lost')];
