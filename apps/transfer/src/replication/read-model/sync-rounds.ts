import type { SyncRoundView } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';
import type { ReplicationEvent } from '../domain/replication.events.js';

type Change = (round: SyncRoundView) => Partial<SyncRoundView>;

/** The rounds of one replication as people see them, grown event by event. */
export const evolveRounds = (
  rounds: readonly SyncRoundView[],
  event: ReplicationEvent,
  { metadata: { occurredAt } }: Pick<PersistedEvent, 'metadata'>,
): readonly SyncRoundView[] => {
  const inRound = (roundId: string, change: Change): readonly SyncRoundView[] =>
    rounds.map((round) => (round.roundId === roundId ? { ...round, ...change(round) } : round));
  switch (event.type) {
    case 'SyncRoundStarted':
      return [...rounds, startedRound(event.data, occurredAt)];
    case 'ExportsOpened':
      // A lost link stays the news until it is there again.
      return inRound(event.data.roundId, ({ status }) =>
        status === 'opening-exports' ? { status: 'connecting' } : {},
      );
    case 'LinkEstablished': {
      const { roundId, comparison, rescanReason } = event.data;
      return inRound(roundId, () => ({ status: 'transferring', comparison, rescanReason }));
    }
    case 'LinkLost':
      return inRound(event.data.roundId, () => ({ status: 'link-lost', attempts: event.data.attempt + 1 }));
    case 'SyncRoundCompleted': {
      const { roundId, disks } = event.data;
      return inRound(roundId, () => ({ status: 'completed', endedAt: occurredAt, disks }));
    }
    case 'SyncRoundFailed': {
      const { roundId, failure } = event.data;
      return inRound(roundId, () => ({ status: 'failed', endedAt: occurredAt, failure }));
    }
    case 'ReplicationPaused':
    case 'ReplicationResumed': {
      const inHand = rounds.find(({ endedAt }) => endedAt === null);
      return inHand === undefined ? rounds : inRound(inHand.roundId, changeBy(event.type));
    }
    default:
      return rounds;
  }
};

const startedRound = (
  {
    roundId,
    number,
    roundKind,
    trigger,
    resend = false,
  }: Extract<ReplicationEvent, { type: 'SyncRoundStarted' }>['data'],
  startedAt: string,
): SyncRoundView => ({
  roundId,
  number,
  roundKind,
  trigger,
  status: 'opening-exports',
  attempts: 1,
  comparison: null,
  resend,
  startedAt,
  endedAt: null,
  disks: [],
  failure: null,
});

const changeBy =
  (type: 'ReplicationPaused' | 'ReplicationResumed'): Change =>
  ({ attempts }) =>
    type === 'ReplicationPaused' ? { status: 'paused' } : { status: 'opening-exports', attempts: attempts + 1 };
