import { z } from 'zod';
import { diskDigest, diskRoundResult, endpointKind, exportedDisk, roundKind } from './control-channel.js';
import { bytes, instant } from './quantities.js';

/**
 * Events that a service other than their owner reads. Their stored names and shapes are a contract;
 * everything else that a service records is its own affair.
 */

export const failure = z.object({ code: z.string(), detail: z.string(), remedy: z.string() });
export type Failure = z.infer<typeof failure>;

export const migratedDisk = z.object({ diskId: z.string(), device: z.string(), sizeBytes: bytes });
export type MigratedDisk = z.infer<typeof migratedDisk>;

export const roundTrigger = z.enum(['itinerary', 'manual', 'schedule']);
export type RoundTrigger = z.infer<typeof roundTrigger>;

export const PUBLISHED = {
  targetVmReady: {
    stored: 'provisioning.target-vm-ready.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), restorerId: z.uuid() }),
  },
  targetVmFailed: {
    stored: 'provisioning.target-vm-failed.v1',
    schema: z.object({ targetVmId: z.uuid(), taskId: z.uuid(), failure }),
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
  syncRoundStarted: {
    stored: 'transfer.sync-round-started.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      number: z.number().int().positive(),
      roundKind,
      trigger: roundTrigger,
    }),
  },
  exportsOpened: {
    stored: 'transfer.exports-opened.v1',
    schema: z.object({
      taskId: z.uuid(),
      roundId: z.uuid(),
      exports: z.array(exportedDisk),
    }),
  },
  syncRoundCompleted: {
    stored: 'transfer.sync-round-completed.v1',
    schema: z.object({ taskId: z.uuid(), roundId: z.uuid(), roundKind, disks: z.array(diskRoundResult) }),
  },
  syncRoundFailed: {
    stored: 'transfer.sync-round-failed.v1',
    schema: z.object({ taskId: z.uuid(), roundId: z.uuid(), roundKind, failure }),
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
