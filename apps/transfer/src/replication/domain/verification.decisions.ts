import { type DiskDigest, failureFor } from '#libs/contracts';
import type { CommandContext } from '#libs/eventsourcing';
import { openWindowForAbsent } from './link.decisions.js';
import type { CommandOf, ReplicationCommand } from './replication.commands.js';
import { noFinalSync, paused, roundRunning, roundUnknown, stopped } from './replication.errors.js';
import type { ReplicationEvent } from './replication.events.js';
import { type Replication, isDigesting, isVerified, isVerifying } from './replication.state.js';
import { closeWindow } from './resume-window.js';
import { beginVerification, withNext } from './round.decisions.js';

export const startVerification = (state: Replication, context: CommandContext): ReplicationEvent[] => {
  if (isVerifying(state)) return [];
  if (state.round !== null) throw roundRunning();
  if (!state.finalSyncCompleted) throw noFinalSync();
  if (isVerified(state)) return [];
  if (state.isStopped) throw stopped();
  if (state.isPaused) throw paused();
  return beginVerification(state, context);
};

type VerificationCommand = Extract<ReplicationCommand, { readonly verificationId: string }>;

/** What the restore environment says of the verification in hand; anything about another one is refused. */
export const noteOfVerification = (
  command: VerificationCommand,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const { taskId, verification } = state;
  const { verificationId } = command;
  if (!isDigesting(state) || verification?.verificationId !== verificationId) throw roundUnknown(verificationId);
  switch (command.type) {
    case 'NoteDigestsBegun':
      if (verification.isBegun || state.isPaused) return [];
      return [
        { type: 'DigestsBegun', data: { taskId, verificationId } },
        ...closeWindow(state),
        ...openWindowForAbsent(state, 'restorer', context),
      ];
    case 'CompareDigests':
      return compareDigests(command, state, context);
    case 'FailVerification': {
      const failure = failureFor(command.code, command.detail);
      return [{ type: 'VerificationFailed', data: { taskId, verificationId, failure } }];
    }
  }
};

/** The take-over rests on this: every disk of the source has, on the target, the same root digest over the same bytes. */
const compareDigests = (
  { verificationId, disks: targets }: CommandOf<'CompareDigests'>,
  state: Replication,
  context: CommandContext,
): ReplicationEvent[] => {
  const { taskId, sourceDigests, verification } = state;
  const incomparable = incomparableDigests(sourceDigests, targets);
  if (incomparable !== null) {
    const failure = failureFor('DIGESTS_NOT_COMPARABLE', incomparable);
    return [{ type: 'VerificationFailed', data: { taskId, verificationId, failure } }];
  }
  const differing = state.disks.flatMap(({ diskId }) => {
    const source = sourceDigests.find((candidate) => candidate.diskId === diskId);
    const target = targets.find((candidate) => candidate.diskId === diskId);
    const equal =
      source !== undefined && target?.rootDigest === source.rootDigest && target.diskBytes === source.diskBytes;
    const sourceDigest = source?.rootDigest ?? 'missing';
    const targetDigest = target?.rootDigest ?? 'missing';
    return equal ? [] : [{ diskId, sourceDigest, targetDigest }];
  });
  if (differing.length === 0) {
    return [{ type: 'ReplicaVerified', data: { taskId, verificationId, disks: [...targets] } }];
  }
  const difference = { taskId, verificationId, differing };
  if (verification?.isAfterRepair === true) return [{ type: 'ReplicaDiffered', data: difference }];
  return withNext(state, [{ type: 'RepairStarted', data: difference }], context);
};

/** Digests that were made in another way say neither that disks are equal nor that they differ. */
const incomparableDigests = (sources: readonly DiskDigest[], targets: readonly DiskDigest[]): string | null => {
  for (const target of targets) {
    const source = sources.find(({ diskId }) => diskId === target.diskId);
    if (source === undefined) continue;
    const [ofSource, ofTarget] = [mannerOf(source), mannerOf(target)];
    if (ofSource !== ofTarget) return `disk ${target.diskId}: the source's is ${ofSource}, the target's ${ofTarget}`;
  }
  return null;
};

const mannerOf = ({ digestAlgorithm, digestBlockBytes }: DiskDigest): string =>
  `${digestAlgorithm} over blocks of ${digestBlockBytes} bytes`;
