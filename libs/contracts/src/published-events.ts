import * as z from 'zod';
import { certificatePem } from './certificate.js';
import { diskDigest, diskRoundResult, endpointKind, exportedDisk, roundKind } from './control-channel.js';
import { bytes, instant } from './quantities.js';

/**
 * Events that a service other than their owner reads. Their stored names and shapes are a contract;
 * everything else that a service records is its own affair.
 */

/** `lost` and `kept` say what a failure cost, and what it did not. */
export const failure = z.object({
  code: z.string(),
  detail: z.string(),
  remedy: z.string(),
  lost: z.string().optional(),
  kept: z.string().optional(),
});
export type Failure = z.infer<typeof failure>;

export const migratedDisk = z.object({
  diskId: z.string(),
  device: z.string(),
  sizeBytes: bytes,
  /** Its turn in a round, by the order in which the operator named the disks; left out: small ones first. */
  turn: z.number().int().nonnegative().optional(),
});
export type MigratedDisk = z.infer<typeof migratedDisk>;

/** `repair`: a verification found a difference. */
export const roundTrigger = z.enum(['itinerary', 'manual', 'schedule', 'retry', 'repair']);
export type RoundTrigger = z.infer<typeof roundTrigger>;

export const PUBLISHED = {
  /** Before anything is made: what a hypervisor may hold because of the task. */
  targetVmRequested: {
    stored: 'provisioning.target-vm-requested.v1',
    schema: z.looseObject({
      targetVmId: z.uuid(),
      taskId: z.uuid(),
      specification: z.looseObject({ disks: z.array(z.looseObject({ sourceDiskId: z.string() })) }),
    }),
  },
  targetVmCreated: {
    stored: 'provisioning.target-vm-created.v1',
    schema: z.object({
      targetVmId: z.uuid(),
      taskId: z.uuid(),
      reference: z.string(),
      /** By when its restore environment has to have connected; left out by versions that waited for ever. */
      enrolBy: instant.optional(),
    }),
  },
  /** Its credential exists from here on. It can be worked with once it has connected. */
  targetVmRestorerEnrolled: {
    stored: 'provisioning.target-vm-restorer-enrolled.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), restorerId: z.uuid() }),
  },
  targetVmReady: {
    stored: 'provisioning.target-vm-ready.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), restorerId: z.uuid() }),
  },
  targetVmFailed: {
    stored: 'provisioning.target-vm-failed.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), failure }),
  },
  /** Announced before anything is deleted. */
  targetVmRemovalRequested: {
    stored: 'provisioning.target-vm-removal-requested.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid() }),
  },
  /** The hypervisor refuses for good; the machine may still be there. Asked for again, it is tried again. */
  targetVmRemovalFailed: {
    stored: 'provisioning.target-vm-removal-failed.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), failure }),
  },
  /** Nothing of the machine is left at the hypervisor; its id is never used again. */
  targetVmRemoved: {
    stored: 'provisioning.target-vm-removed.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), restorerId: z.uuid().nullable() }),
  },
  targetVmBootedFromDisk: {
    stored: 'provisioning.target-vm-booted-from-disk.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid() }),
  },
  endpointEnrolled: {
    stored: 'transfer.endpoint-enrolled.v1',
    schema: z.object({
      endpointId: z.uuid(),
      kind: endpointKind,
      name: z.string(),
      credentialHash: z.string(),
      enrolmentTokenId: z.uuid(),
      enrolledAt: instant,
    }),
  },
  endpointConnected: {
    stored: 'transfer.endpoint-connected.v1',
    schema: z.object({
      endpointId: z.uuid(),
      connectionId: z.uuid(),
      software: z.string(),
      /** The process that holds the connection; left out by versions that did not know theirs. */
      serverId: z.uuid().optional(),
      /** Left out, with `name`, by versions to whom an endpoint's enrolment said enough. */
      kind: endpointKind.optional(),
      name: z.string().optional(),
      /** Agent: what it shows on the data path. Left out by versions without TLS, and by restore environments. */
      dataCertificate: certificatePem.optional(),
    }),
  },
  /** The endpoint's credential is refused from here on. */
  endpointRevoked: {
    stored: 'transfer.endpoint-revoked.v1',
    schema: z.looseObject({ endpointId: z.uuid() }),
  },
  syncRoundStarted: {
    stored: 'transfer.sync-round-started.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      number: z.number().int().positive(),
      roundKind,
      trigger: roundTrigger,
      /** Everything is sent again by choice; left out: only what the target is not known to hold. */
      resend: z.boolean().optional(),
    }),
  },
  exportsOpened: {
    stored: 'transfer.exports-opened.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      exports: z.array(exportedDisk),
      /** Left out: the first. */
      attempt: z.number().int().min(1).optional(),
    }),
  },
  /** The exports of this attempt are of no use any more. */
  linkLost: {
    stored: 'transfer.link-lost.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      attempt: z.number().int().min(1),
      lostAt: instant,
      detail: z.string(),
    }),
  },
  /** Both ends rest; what was served for the round in hand is not served any more. */
  replicationPaused: { stored: 'transfer.replication-paused.v1', schema: z.object({ taskId: z.uuid() }) },
  replicationResumed: { stored: 'transfer.replication-resumed.v1', schema: z.object({ taskId: z.uuid() }) },
  replicationStopped: { stored: 'transfer.replication-stopped.v1', schema: z.object({ taskId: z.uuid() }) },
  replicationReinstated: { stored: 'transfer.replication-reinstated.v1', schema: z.object({ taskId: z.uuid() }) },
  syncRoundCompleted: {
    stored: 'transfer.sync-round-completed.v1',
    schema: z.object({ taskId: z.uuid(), roundId: z.uuid(), roundKind, disks: z.array(diskRoundResult) }),
  },
  syncRoundFailed: {
    stored: 'transfer.sync-round-failed.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      roundKind,
      failure,
      /** When the round is tried again by itself; left out: the next time point or a person starts another. */
      retryAt: instant.optional(),
    }),
  },
  replicaVerified: {
    stored: 'transfer.replica-verified.v1',
    schema: z.object({ taskId: z.uuid(), verificationId: z.uuid(), disks: z.array(diskDigest) }),
  },
  replicaDiffered: {
    stored: 'transfer.replica-differed.v1',
    schema: z.object({
      taskId: z.uuid(),
      verificationId: z.uuid(),
      differing: z.array(z.object({ diskId: z.string(), sourceDigest: z.string(), targetDigest: z.string() })),
    }),
  },
  verificationFailed: {
    stored: 'transfer.verification-failed.v1',
    schema: z.object({ taskId: z.uuid(), verificationId: z.uuid(), failure }),
  },
  finalSyncApproved: {
    stored: 'cutover.final-sync-approved.v1',
    schema: z.object({ taskId: z.uuid(), confirmedBy: z.string() }),
  },
  takeOverDeclared: {
    stored: 'cutover.take-over-declared.v1',
    schema: z.object({ taskId: z.uuid(), targetVmId: z.uuid(), declaredAt: instant }),
  },
} as const;

export type Published = { readonly [Name in keyof typeof PUBLISHED]: z.infer<(typeof PUBLISHED)[Name]['schema']> };
