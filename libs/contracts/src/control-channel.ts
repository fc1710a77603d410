import * as z from 'zod';
import { certificatePem } from './certificate.js';
import { machineInventory } from './inventory.js';
import { byteRange, bytes, instant } from './quantities.js';
import { roundPace, throttleSettings } from './throttle.js';

/**
 * The control channel: JSON messages over one WebSocket per endpoint, the same in active and passive mode.
 *
 * It is level-triggered. The server sends the whole wanted state as an `assignment`, again after every reconnect;
 * an endpoint that already works on that assignment (same `assignmentId`) goes on undisturbed. What must not be
 * lost travels as a `report`, which the endpoint repeats after every reconnect until it is acknowledged.
 * `progress` is telemetry: sampled, unacknowledged, may be lost.
 */
export const CONTROL_PROTOCOL_VERSION = 1;
export const CONTROL_PATH = '/control';
export const ENROL_PATH = '/enrol';
/** Header that names the endpoint on the WebSocket's upgrade request, beside `Authorization: Bearer <credential>`. */
export const ENDPOINT_ID_HEADER = 'x-landfall-endpoint';
/** A control message is never larger than this; inventories of 256 disks fit many times over. */
export const MAX_CONTROL_MESSAGE_BYTES = 4 * 1024 * 1024;

export const endpointKind = z.enum(['agent', 'restorer']);
export type EndpointKind = z.infer<typeof endpointKind>;

export const roundKind = z.enum(['full', 'incremental', 'final']);
export type RoundKind = z.infer<typeof roundKind>;

/** Digest of a block, and of the tree over all blocks of a disk; both have 256 bits. Closed list. */
export const digestAlgorithm = z.enum(['blake3', 'sha256']);
export type DigestAlgorithm = z.infer<typeof digestAlgorithm>;
/** What a server means that does not say: before tasks could choose, it was the only one. */
const wantedDigestAlgorithm = digestAlgorithm.default('sha256');

/** POST {@link ENROL_PATH}: a one-time token against an endpoint's own credential. */
export const enrolRequest = z.object({
  token: z.string().min(1).max(200),
  kind: endpointKind,
  name: z.string().min(1).max(255),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;
export const enrolReply = z.object({ endpointId: z.uuid(), credential: z.string().min(1) });
export type EnrolReply = z.infer<typeof enrolReply>;

/** Where a target disk is served for one round; opened anew for each, so no write of an abandoned connection can land. */
export const nbdExport = z.object({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535),
  exportName: z.string(),
  /**
   * The server speaks TLS 1.3 with this certificate, made for this attempt, and nothing else. Left out: it is served in
   * the clear, which an agent takes on loopback, or when its operator allowed it.
   */
  serverCertificate: certificatePem.optional(),
});
export type NbdExport = z.infer<typeof nbdExport>;

/**
 * One target disk and where it is served. `groupDigests`: where the digests of its groups are served, of what a
 * verification found on it: one of 32 bytes for each 1,024 blocks. Only of a disk that is to be repaired.
 */
const servedDisk = { export: nbdExport, groupDigests: nbdExport.optional() };
export const exportedDisk = z.object({ diskId: z.string(), ...servedDisk });
export type ExportedDisk = z.infer<typeof exportedDisk>;

// ---- assignments: server to endpoint -------------------------------------------------------------------------

export const idleAssignment = z.object({ kind: z.literal('idle'), assignmentId: z.literal('idle') });

/**
 * A round is worked on in attempts, each over a data path of its own: when the path is lost, or a pause is over, the
 * next attempt goes on where the one before it stopped. `assignmentId` names the attempt.
 */
const attemptOfRound = {
  assignmentId: z.uuid(),
  taskId: z.uuid(),
  roundId: z.uuid(),
  attempt: z.number().int().min(1),
};

/** Agent: work on a sync round over these disks. */
export const syncRoundAssignment = z.object({
  kind: z.literal('sync-round'),
  ...attemptOfRound,
  roundKind,
  /** Everything is sent again, whatever the target is known to hold. */
  resend: z.boolean(),
  digestAlgorithm: wantedDigestAlgorithm,
  /** Comes anew with the same `assignmentId` when it is adjusted; the round takes it up and goes on. Left out: the defaults. */
  throttle: throttleSettings.optional(),
  disks: z
    .array(
      z.object({
        diskId: z.string(),
        device: z.string(),
        sizeBytes: bytes,
        /** The lower, the earlier; left out: after those that have one, small ones first. */
        turn: z.number().int().nonnegative().optional(),
        /** With `groupDigests`: blocks that the target does not hold, although their digests say so, are found and sent. */
        ...servedDisk,
      }),
    )
    .min(1),
});
export type SyncRoundAssignment = z.infer<typeof syncRoundAssignment>;

/** Restorer: serve these disks over NBD for one attempt, by fresh servers. */
export const serveExportsAssignment = z.object({
  kind: z.literal('serve-exports'),
  ...attemptOfRound,
  disks: z
    .array(
      z.object({
        diskId: z.string(),
        sizeBytes: bytes,
        /** The last verification found it different: its group digests are served, too. Left out: it did not. */
        differs: z.literal(true).optional(),
      }),
    )
    .min(1),
  /** The agent's: nobody else may connect. Left out: the agent has none (it is of a version without TLS). */
  clientCertificate: certificatePem.optional(),
});
export type ServeExportsAssignment = z.infer<typeof serveExportsAssignment>;

/** Restorer: read the target disks from end to end and digest them. `assignmentId` is the verification's id. */
export const computeDigestsAssignment = z.object({
  kind: z.literal('compute-digests'),
  assignmentId: z.uuid(),
  taskId: z.uuid(),
  digestAlgorithm: wantedDigestAlgorithm,
  disks: z.array(z.object({ diskId: z.string(), sizeBytes: bytes })).min(1),
});
export type ComputeDigestsAssignment = z.infer<typeof computeDigestsAssignment>;

export const assignment = z.discriminatedUnion('kind', [
  idleAssignment,
  syncRoundAssignment,
  serveExportsAssignment,
  computeDigestsAssignment,
]);
export type Assignment = z.infer<typeof assignment>;

// ---- reports: endpoint to server -----------------------------------------------------------------------------

/** How an endpoint's work can fail. Closed list; what each means is in `FAILURES`. */
export const endpointFailureCode = z.enum([
  'DATA_PATH_LOST',
  'DATA_PATH_UNTRUSTED',
  'SOURCE_READ_FAILED',
  'SOURCE_DISK_CHANGED',
  'USED_BLOCKS_UNKNOWN',
  'DIGEST_TABLE_FAILED',
  'TARGET_WRITE_FAILED',
  'TARGET_DISK_FULL',
  'TARGET_DISK_MISSING',
  'EXPORT_FAILED',
  'ENDPOINT_RESTARTED',
  'INTERNAL_ERROR',
]);
export type EndpointFailureCode = z.infer<typeof endpointFailureCode>;

/**
 * How a round finds what to send: all blocks; those whose digest differs from what the target holds, of all used ones
 * (`rescan`); or the same of those only that were written since the last round, by the kernel's word (`tracked`).
 */
export const comparison = z.enum(['all-blocks', 'rescan', 'tracked']);
export type Comparison = z.infer<typeof comparison>;

/**
 * Why a round compares digests of all used blocks: the source's kernel cannot be asked (`tracking-unavailable`), or not
 * about this device; or what was recorded does not reach back to the last round. Closed list.
 */
export const rescanReason = z.enum([
  'tracking-unavailable',
  'device-not-tracked',
  'tracking-began',
  'tracking-interrupted',
  'events-lost',
  'device-changed',
  'raw-command',
]);
export type RescanReason = z.infer<typeof rescanReason>;

/** Ranges of one disk that a record names at most; it counts all of them. */
export const MAX_REPAIRED_RANGES = 32;

/** Blocks of a target disk that held something else than they were known to, found by a round and sent again by it. */
export const repairedBlocks = z.object({
  blockCount: z.number().int().nonnegative(),
  /** Of whole blocks, in order. */
  ranges: z.array(byteRange).max(MAX_REPAIRED_RANGES),
  /** How many further ranges, at higher offsets, are not named; they are counted in the blocks. Left out: none. */
  rangesLeftOut: z.number().int().positive().optional(),
});
export type RepairedBlocks = z.infer<typeof repairedBlocks>;

/**
 * Whether what a final round read belongs to one moment of the source. `frozen`: its file systems were frozen meanwhile.
 * `unwritten`: some cannot be frozen, and no used block was written while they were read. `uncertain`: some were
 * written, or nobody can tell, as changes of a disk are not tracked; the target's file systems may need a repair.
 */
export const stillness = z.enum(['frozen', 'unwritten', 'uncertain']);
export type Stillness = z.infer<typeof stillness>;

/** Bytes of one disk in one round. `usedBytes`: by the file systems' maps; `sentBytes`: payload of NBD writes. */
export const diskRoundResult = z.object({
  diskId: z.string(),
  diskBytes: bytes,
  usedBytes: bytes,
  readBytes: bytes,
  sentBytes: bytes,
  zeroedBytes: bytes,
  durationMs: z.number().nonnegative(),
  /** What the round compared with: `none` before the first, `kept` digests, or `lost` digests (everything sent again). */
  baseline: z.enum(['none', 'kept', 'lost']),
  /** How what changed on this disk was found; absent in results from before changes were tracked. */
  comparison: comparison.optional(),
  /** Why the disk was compared as a whole; only with `rescan`. */
  rescanReason: rescanReason.optional(),
  /** Only where the round repaired the disk. */
  repaired: repairedBlocks.optional(),
  /** Only of final rounds; absent in results of agents that did not look. */
  stillness: stillness.optional(),
  digestAlgorithm,
  digestBlockBytes: z.number().int().positive(),
  /** Root of the digest tree over the disk as it should be on the target, hexadecimal. */
  rootDigest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type DiskRoundResult = z.infer<typeof diskRoundResult>;

export const diskDigest = z.object({
  diskId: z.string(),
  diskBytes: bytes,
  digestAlgorithm,
  digestBlockBytes: z.number().int().positive(),
  rootDigest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type DiskDigest = z.infer<typeof diskDigest>;

const ofTask = { taskId: z.uuid(), assignmentId: z.uuid() };
const ofRound = { ...ofTask, roundId: z.uuid() };
const reason = { code: endpointFailureCode, detail: z.string().max(2000) };

export const endpointReport = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inventory'), inventory: machineInventory }),
  /** Agent: the data path of this attempt is there, and the work goes on. */
  z.object({ kind: z.literal('link-established'), ...ofRound, comparison, rescanReason: rescanReason.optional() }),
  /** Agent: the data path of this attempt is lost. The round is not: it waits for the next attempt. */
  z.object({
    kind: z.literal('link-lost'),
    ...ofRound,
    detail: z.string().max(2000),
    /** How long nothing had come over the path when that was noticed: the interruption began so much earlier. */
    silentMs: z.number().int().nonnegative(),
  }),
  /** Agent: these ranges were written and a FLUSH that was sent after their acknowledgement succeeded. */
  z.object({
    kind: z.literal('ranges-acknowledged'),
    ...ofRound,
    diskId: z.string(),
    ranges: z.array(byteRange).max(20_000),
  }),
  z.object({ kind: z.literal('round-completed'), ...ofRound, disks: z.array(diskRoundResult).min(1) }),
  z.object({ kind: z.literal('round-failed'), ...ofRound, ...reason }),
  z.object({
    kind: z.literal('exports-opened'),
    ...ofRound,
    exports: z.array(exportedDisk).min(1),
  }),
  z.object({ kind: z.literal('exports-failed'), ...ofRound, ...reason }),
  /** Restorer: the disks are being read for the verification. */
  z.object({ kind: z.literal('digests-begun'), ...ofTask }),
  z.object({ kind: z.literal('digests-computed'), ...ofTask, disks: z.array(diskDigest).min(1) }),
  z.object({ kind: z.literal('digests-failed'), ...ofTask, ...reason }),
]);
export type EndpointReport = z.infer<typeof endpointReport>;

/** Telemetry of a running round or verification, about twice a second. */
export const endpointProgress = z.object({
  ...ofTask,
  at: instant,
  /** `rescanning`: compared with the digests of what the target holds. `serving`: the restorer's view of a round. */
  activity: z.enum(['mapping', 'transferring', 'rescanning', 'flushing', 'waiting-for-link', 'serving', 'digesting']),
  disks: z.array(
    z.object({
      diskId: z.string(),
      diskBytes: bytes,
      /** Bytes this activity has to go through; known once the used blocks are. */
      plannedBytes: bytes,
      processedBytes: bytes,
      sentBytes: bytes,
      acknowledgedBytes: bytes,
    }),
  ),
  /** Of the agent's rounds. */
  pace: roundPace.optional(),
});
export type EndpointProgress = z.infer<typeof endpointProgress>;

// ---- frames ---------------------------------------------------------------------------------------------------

/** Everything an endpoint may send. */
export const endpointFrame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocolVersion: z.literal(CONTROL_PROTOCOL_VERSION),
    software: z.string().max(100),
    /** The assignment in hand, so that the server sees a program that lost its work. */
    assignmentId: z.string().nullable(),
    /** Agent: what it shows on the data path for as long as this process runs. Left out by versions without TLS. */
    dataCertificate: certificatePem.optional(),
  }),
  /** `ageMs`: how long ago the report was made when this frame was sent, so that no clock has to be right. */
  z.object({
    type: z.literal('report'),
    reportId: z.uuid(),
    ageMs: z.number().int().nonnegative(),
    report: endpointReport,
  }),
  z.object({ type: z.literal('progress'), progress: endpointProgress }),
]);
export type EndpointFrame = z.infer<typeof endpointFrame>;

/** Everything the server may send. */
export const serverFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), protocolVersion: z.literal(CONTROL_PROTOCOL_VERSION) }),
  z.object({ type: z.literal('assignment'), assignment }),
  z.object({ type: z.literal('acknowledged'), reportId: z.uuid() }),
  /** The report can never be taken (its task or round is over); the endpoint drops it. */
  z.object({ type: z.literal('refused'), reportId: z.uuid(), code: z.string(), message: z.string() }),
]);
export type ServerFrame = z.infer<typeof serverFrame>;
