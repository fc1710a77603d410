import type { SyncRoundView } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';
import type { ReplicationEvent } from '../domain/replication.events.js';

/** The rounds of one replication as people see them, grown event by event. */
export const evolveRounds = (
  rounds: readonly SyncRoundView[],
  event: ReplicationEvent,
  { metadata: { occurredAt } }: Pick<PersistedEvent, 'metadata'>,
): readonly SyncRoundView[] => {
  const change = (roundId: string, fields: Partial<SyncRoundView>): readonly SyncRoundView[] =>
    rounds.map((round) => (round.roundId === roundId ? { ...round, ...fields } : round));
  switch (event.type) {
    case 'SyncRoundStarted': {
      const { roundId, number, roundKind, trigger } = event.data;
      const round = { roundId, number, roundKind, trigger, startedAt: occurredAt };
      return [...rounds, { ...round, status: 'opening-exports', endedAt: null, disks: [], failure: null }];
    }
    case 'ExportsOpened':
      return change(event.data.roundId, { status: 'transferring' });
    case 'SyncRoundCompleted':
      return change(event.data.roundId, { status: 'completed', endedAt: occurredAt, disks: event.data.disks });
    case 'SyncRoundFailed':
      return change(event.data.roundId, { status: 'failed', endedAt: occurredAt, failure: event.data.failure });
    case 'ReplicationPrepared':
    case 'SyncRoundSkipped':
    case 'FinalSyncQueued':
    case 'VerificationStarted':
    case 'ReplicaVerified':
    case 'ReplicaDiffered':
    case 'VerificationFailed':
      return rounds;
  }
};
