import { type LedgerEntry, PUBLISHED } from '#libs/contracts';
import type { PersistedEvent } from '#libs/eventsourcing';

/** Everything that was created outside for a task. A target VM and its disks come and go together. */
interface Ledger {
  readonly machine: readonly LedgerEntry[];
  readonly credentials: readonly LedgerEntry[];
  /** Of the newest attempt of a round; those of earlier ones ended with it. */
  readonly exports: readonly LedgerEntry[];
}

type State = LedgerEntry['state'];
type Change = (ledger: Ledger, data: unknown, at: string) => Ledger;

/** Moves entries on. @param from only those in one of these states; left out: all */
const move = (entries: readonly LedgerEntry[], to: State, since: string, from?: readonly State[]): LedgerEntry[] =>
  entries.map((entry) =>
    entry.state === to || (from !== undefined && !from.includes(entry.state)) ? entry : { ...entry, state: to, since },
  );

const moveMachine =
  (to: State, from?: readonly State[]): Change =>
  (ledger, _data, at) => ({
    ...ledger,
    machine: move(ledger.machine, to, at, from),
  });

const endExports: Change = (ledger, _data, at) => ({ ...ledger, exports: move(ledger.exports, 'removed', at) });

/** Stored name to what the event means for the ledger. Asked for once more, a machine is what it was. */
const CHANGES: Readonly<Record<string, Change>> = {
  [PUBLISHED.targetVmRequested.stored]: (ledger, data, since) => {
    if (ledger.machine.length > 0) return ledger;
    const { targetVmId, specification } = PUBLISHED.targetVmRequested.schema.parse(data);
    const disks = specification.disks.map(({ sourceDiskId }): LedgerEntry => ({
      kind: 'target-disk',
      reference: sourceDiskId,
      state: 'expected',
      since,
    }));
    return { ...ledger, machine: [{ kind: 'target-vm', reference: targetVmId, state: 'expected', since }, ...disks] };
  },
  [PUBLISHED.targetVmCreated.stored]: (ledger, data, at) => {
    const { reference } = PUBLISHED.targetVmCreated.schema.parse(data);
    const named = ledger.machine.map((entry) => (entry.kind === 'target-vm' ? { ...entry, reference } : entry));
    return { ...ledger, machine: move(named, 'exists', at, ['expected', 'removed']) };
  },
  // Its restore environment runs on it, so it is there, whatever the hypervisor has answered.
  [PUBLISHED.targetVmReady.stored]: moveMachine('exists', ['expected']),
  [PUBLISHED.targetVmRestorerEnrolled.stored]: moveMachine('exists', ['expected']),
  [PUBLISHED.targetVmRemovalRequested.stored]: moveMachine('removal-announced'),
  [PUBLISHED.targetVmRemoved.stored]: (ledger, data, at) => {
    const { restorerId } = PUBLISHED.targetVmRemoved.schema.parse(data);
    const credentials = ledger.credentials.map((entry): LedgerEntry =>
      entry.reference === restorerId && entry.state === 'exists'
        ? { ...entry, state: 'removal-announced', since: at }
        : entry,
    );
    return { ...endExports(ledger, data, at), machine: move(ledger.machine, 'removed', at), credentials };
  },
  [PUBLISHED.endpointEnrolled.stored]: (ledger, data, since) => {
    const { endpointId } = PUBLISHED.endpointEnrolled.schema.parse(data);
    const credential: LedgerEntry = { kind: 'restorer-credential', reference: endpointId, state: 'exists', since };
    return { ...ledger, credentials: [...ledger.credentials, credential] };
  },
  [PUBLISHED.endpointRevoked.stored]: (ledger, data, since) => {
    const { endpointId } = PUBLISHED.endpointRevoked.schema.parse(data);
    const credentials = ledger.credentials.map((entry): LedgerEntry =>
      entry.reference === endpointId ? { ...entry, state: 'removed', since } : entry,
    );
    return { ...ledger, credentials };
  },
  [PUBLISHED.exportsOpened.stored]: (ledger, data, since) => {
    const { exports } = PUBLISHED.exportsOpened.schema.parse(data);
    const served = exports.flatMap((disk) => [
      disk.export,
      ...(disk.groupDigests === undefined ? [] : [disk.groupDigests]),
    ]);
    const opened = served.map(({ host, port }): LedgerEntry => ({
      kind: 'nbd-export',
      reference: `${host}:${port}`,
      state: 'exists',
      since,
    }));
    return { ...ledger, exports: opened };
  },
  [PUBLISHED.linkLost.stored]: endExports,
  [PUBLISHED.replicationPaused.stored]: endExports,
  [PUBLISHED.syncRoundCompleted.stored]: endExports,
  [PUBLISHED.syncRoundFailed.stored]: endExports,
};

/**
 * What was created outside for a task, and what has become of it, from events alone. Pure.
 * @param events of the task's target VM, its restore environments and its replication, in the order of the log
 */
export const foldLedger = (events: readonly PersistedEvent[]): LedgerEntry[] => {
  let ledger: Ledger = { machine: [], credentials: [], exports: [] };
  for (const { storedType, data, metadata } of events) {
    ledger = CHANGES[storedType]?.(ledger, data, metadata.occurredAt) ?? ledger;
  }
  return [...ledger.machine, ...ledger.credentials, ...ledger.exports];
};
