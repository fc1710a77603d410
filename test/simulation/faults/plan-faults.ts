import { SERVICE_NAMES } from '../services/service.js';
import type { Random } from '../world/random.js';
import { HOUR, MINUTE, SECOND } from '../world/simulated-clock.js';
import type { Fault, PathName, PlannedFault, PlannedFaultKind } from './planned-fault.js';

/** How often each kind is drawn, in comparison with the others. */
const WEIGHTS: readonly (readonly [PlannedFaultKind, number])[] = [
  ['service-crash', 5],
  ['store-away', 2],
  ['nats-away', 1],
  ['hci-away', 1],
  ['agent-crash', 2],
  ['source-off', 1.5],
  ['restorer-crash', 2],
  ['target-power-loss', 2],
  ['nbdkit-death', 2],
  ['cut', 6],
  ['connection-reset', 3],
  ['cut-to-the-deadline', 2],
  ['down-over-the-deadline', 2],
  ['block-damaged', 0.5],
];
const SUM_OF_WEIGHTS = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

const kindBy = (random: Random): PlannedFaultKind => {
  let left = random.fraction() * SUM_OF_WEIGHTS;
  for (const [kind, weight] of WEIGHTS) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'cut';
};

const PATHS: readonly (readonly PathName[])[] = [
  ['data'],
  ['data'],
  ['agent'],
  ['agent'],
  ['restorer'],
  ['agent', 'data'],
  ['agent', 'restorer'],
  ['agent', 'restorer', 'data'],
];

/** In the middle of what a fault may strike. */
export const MOMENTS: readonly string[] = [
  'MigrationTaskCreated',
  'PhaseStarted',
  'PhaseCompleted',
  'TargetVmRequested',
  'TargetVmReady',
  'SyncRoundStarted',
  'ExportsOpened',
  'LinkEstablished',
  'LinkEstablished',
  'LinkLost',
  'ResumeWindowOpened',
  'ControlChannelLost',
  'SyncRoundCompleted',
  'SyncRoundFailed',
  'SynchronizationTimePointReached',
  'FinalSyncQueued',
  'RetryScheduled',
  'ReplicationPaused',
  'FinalSyncApproved',
  'VerificationStarted',
  'DigestsBegun',
  'RepairStarted',
  'ReplicaVerified',
  'TakeOverStarted',
  'TargetVmBootFromDiskRequested',
  'MigrationTaskCancelled',
  'CancellationWithdrawn',
  'CleanUpStarted',
  'TargetVmRemovalRequested',
];

/** How likely a block is damaged just when the source has stopped: it is the verification that has to find it. */
const DAMAGED_AT_CUTOVER = 0.3;

/** One or more hours of trouble: mostly little of it, sometimes a lot; most of it in the middle of something. */
export const planFaults = (random: Random, untilMs: number, resumeWindowSeconds: number): PlannedFault[] => {
  const count = random.happens(0.1) ? 0 : random.magnitude(1, 40);
  const draw = (): PlannedFault => {
    const atMs = random.integer(0, untilMs);
    const after = random.happens(0.7)
      ? {
          eventType: random.pick(MOMENTS),
          delayMs: random.happens(0.5) ? random.integer(1, 60) : random.magnitude(60, 3 * MINUTE),
        }
      : null;
    return { fault: faultBy(random, resumeWindowSeconds * SECOND), atMs, after };
  };
  const drawn = Array.from({ length: count }, draw).sort((a, b) => a.atMs - b.atMs);
  if (!random.happens(DAMAGED_AT_CUTOVER)) return drawn;
  const after = { eventType: 'FinalSyncApproved', delayMs: random.magnitude(1, 3 * MINUTE) };
  return [{ fault: { kind: 'block-damaged' }, atMs: 0, after }, ...drawn];
};

/** Short, long, or about as long as a resume window, so that its edge is met from both sides. */
const durationBy = (random: Random, windowMs: number): number => {
  const way = random.fraction();
  if (way < 0.6) return random.magnitude(SECOND, 10 * MINUTE);
  return way < 0.8 ? windowMs + random.integer(-60 * SECOND, 60 * SECOND) : random.magnitude(10 * MINUTE, 5 * HOUR);
};

const faultBy = (random: Random, windowMs: number): Fault => {
  const kind = kindBy(random);
  switch (kind) {
    case 'service-crash': {
      const services = random.happens(0.25) ? SERVICE_NAMES : [random.pick(SERVICE_NAMES)];
      return { kind, services, downMs: durationBy(random, windowMs) };
    }
    case 'store-away':
    case 'nats-away':
    case 'hci-away':
      return { kind, downMs: random.magnitude(SECOND, 30 * MINUTE) };
    case 'agent-crash':
      return { kind, downMs: durationBy(random, windowMs), areTablesLost: random.happens(0.1) };
    case 'source-off':
      return { kind, downMs: random.happens(0.15) ? null : durationBy(random, windowMs) };
    case 'restorer-crash':
    case 'target-power-loss':
      return { kind, downMs: durationBy(random, windowMs) };
    case 'nbdkit-death':
    case 'block-damaged':
      return { kind };
    case 'cut':
      return { kind, paths: random.pick(PATHS), downMs: durationBy(random, windowMs) };
    case 'connection-reset':
      return { kind, path: random.pick(['data', 'agent', 'restorer'] as const) };
    case 'cut-to-the-deadline':
      return { kind, offsetMs: random.pick([-1, 0, 0, 1]) };
    case 'down-over-the-deadline': {
      const services = random.happens(0.5) ? SERVICE_NAMES : (['transfer'] as const);
      return { kind, services, backMs: random.integer(-2 * MINUTE, 20 * MINUTE) };
    }
  }
};
