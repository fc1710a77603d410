import {
  DIGEST_BLOCK_BYTES,
  type DigestJournal,
  type DigestTable,
  type DiskPace,
  type OpenDigestJournal,
  type SourceDisk,
  type SyncDiskOptions,
  type SyncDiskResult,
  type TakenChanges,
  type UsedBlocksOptions,
  type UsedMap,
} from '#libs/block-transfer';
import type { DiskRoundResult, SyncRoundAssignment } from '#libs/contracts';
import type { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';
import type { RoundDisk } from './disk-choice.decision.js';
import type { DiskInHand } from './disk-in-hand.js';
import { howCompared } from './how-compared.decision.js';
import { JournalOfPasses } from './journal-of-passes.js';
import type { RoundInHand } from './round-in-hand.js';
import type { RoundPorts } from './round.ports.js';

/**
 * While file systems are held still, a target that owes an answer for this long counts as lost: half of the time for
 * which they are held, so that most broken links show before that time is over.
 */
const HELD_SILENCE_LIMIT_MS = 30_000;

/** Of 4 MiB and less each. */
const MAX_TABLES_AT_HAND = 4;

/** How a pass reads its disks. */
export interface Reading {
  readonly signal: AbortSignal;
  readonly isHeld: boolean;
  readonly heldMountPoints: readonly string[];
}

/** What a pass reads of a disk, and from where. */
interface Source {
  readonly used: UsedMap;
  readonly source: SourceDisk;
  readonly changes: TakenChanges;
  readonly pace: DiskPace;
  /** Every byte that the pass needs of this disk has been read; may be called more than once. */
  readonly onRead: () => void;
}

/** Whether a disk was written to since the pass before; `unknown`: that was not recorded without a gap. */
export type Written = 'no' | 'yes' | 'unknown';

/** Passes over single disks in one attempt of a round: each maps the disk, and makes the target equal to it. */
export class DiskPasses {
  readonly #ports: RoundPorts;
  readonly #round: RoundInHand;
  readonly #assignment: SyncRoundAssignment;
  readonly #acknowledged: AcknowledgedRangesReporter;
  /** Of a final round's disks, until {@link putAway}. */
  readonly #journals = new Map<string, JournalOfPasses>();
  /** Since their first pass. */
  readonly #readAgain = new Set<RoundDisk>();

  constructor(
    ports: RoundPorts,
    round: RoundInHand,
    assignment: SyncRoundAssignment,
    acknowledged: AcknowledgedRangesReporter,
  ) {
    this.#ports = ports;
    this.#round = round;
    this.#assignment = assignment;
    this.#acknowledged = acknowledged;
  }

  /** A pass over a disk that is the only one, while the source goes on. */
  async run(disk: RoundDisk, reading: Reading): Promise<void> {
    await this.#run(disk, reading, (digests, work) => this.withJournal(disk.assigned.diskId, digests, work));
  }

  /**
   * Before the passes of a final round, and before anything is held: an earlier round may have left a journal, and then
   * a whole table is written here.
   */
  async begin(disks: readonly RoundDisk[]): Promise<void> {
    for (const disk of disks) {
      const inHand = await this.#round.takeUp(disk);
      const journal = await this.#begin(disk.assigned.diskId, inHand.digests);
      this.#journals.set(disk.assigned.diskId, new JournalOfPasses(journal));
      if (disks.length > this.#ports.disksAtOnce) inHand.putAway();
    }
  }

  /** The first pass of a final round. */
  async first(disk: RoundDisk, reading: Reading, onRead: Source['onRead']): Promise<void> {
    const journal = this.#journalOf(disk);
    await this.#run(disk, reading, (_, work) => work(journal.first), onRead);
  }

  /**
   * Looks whether a disk was written to since it was read, and if so, reads that. What the agent itself writes may be on
   * this disk: so nothing is logged, and the digests are put away when all passes are over.
   */
  async again(disk: RoundDisk, reading: Reading): Promise<Written> {
    const { diskId } = disk.assigned;
    const used = await this.#usedBlocksOf(disk, reading, () => undefined);
    const resume = this.#round.readAgain(disk);
    await this.#ports.changes.settle();
    const changes = await this.#ports.changes.take(diskId, used, resume);
    const { dirty } = changes;
    if (changes.comparison === 'rescan' || dirty === null) {
      changes.giveBack();
      return 'unknown';
    }
    if (!changes.matters()) {
      changes.complete();
      this.#round.progress.leave(diskId);
      return 'no';
    }
    await this.#withSource(disk, reading, async (from) => {
      const inHand = await this.#round.takeUp(disk);
      const journal = this.#journalOf(disk).goOnWith(inHand.digests);
      const source = { ...from, used, changes, onRead: () => undefined };
      const options = { ...this.#options(disk, inHand, journal, reading, source), only: dirty };
      this.#round.noteTotals(diskId, await this.#taking(changes, () => this.#ports.syncBlocks(options)));
      await this.#boundTables(disk, inHand);
    });
    return 'yes';
  }

  /** When the last pass is over, and nothing is held any more: the roots of what was read again. */
  async conclude(): Promise<void> {
    for (const disk of this.#readAgain) {
      const inHand = await this.#round.takeUp(disk);
      this.#round.noteRoot(disk.assigned.diskId, await inHand.digests.rootDigest());
      await this.#journalOf(disk).settle();
      inHand.putAway();
    }
    this.#readAgain.clear();
  }

  /** Also after a pass that failed. What is known to be on the target is kept in any case. */
  async putAway(): Promise<void> {
    const journals = [...this.#journals.values()];
    this.#journals.clear();
    const outcomes = await Promise.allSettled(journals.map((journal) => journal.putAway()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** What is known to be on the target is kept whether or not the work succeeds. */
  async withJournal<T>(diskId: string, digests: DigestTable, work: (journal: DigestJournal) => Promise<T>): Promise<T> {
    const journal = await this.#begin(diskId, digests);
    let result: T;
    try {
      result = await work(journal);
    } catch (error) {
      // The journal alone would keep it, too.
      await journal.end().catch((failure: unknown) => {
        this.#ports.log('warn', `The digests of ${diskId} could not be put in order: ${String(failure)}`);
      });
      throw error;
    }
    await journal.end();
    return result;
  }

  #begin(diskId: string, digests: DigestTable): Promise<OpenDigestJournal> {
    const { taskId } = this.#assignment;
    return this.#ports.digestTables.of(taskId, diskId).begin(digests, taskId);
  }

  #journalOf({ assigned: { diskId } }: RoundDisk): JournalOfPasses {
    const journal = this.#journals.get(diskId);
    if (journal === undefined) throw new Error(`no passes over ${diskId} were begun`);
    return journal;
  }

  /** While they are of a few disks, tables stay in memory from pass to pass. Of more, they are entered, which writes. */
  async #boundTables(disk: RoundDisk, inHand: DiskInHand): Promise<void> {
    this.#readAgain.add(disk);
    if (this.#readAgain.size <= MAX_TABLES_AT_HAND) return;
    await this.#journalOf(disk).settle();
    inHand.putAway();
  }

  async #run(
    disk: RoundDisk,
    reading: Reading,
    withJournal: (
      digests: DigestTable,
      work: (journal: DigestJournal) => Promise<DiskRoundResult>,
    ) => Promise<DiskRoundResult>,
    onRead: Source['onRead'] = () => undefined,
  ): Promise<void> {
    const { diskId, sizeBytes: diskBytes } = disk.assigned;
    const used = await this.#usedBlocksOf(disk, reading, (device, reason) => {
      this.#ports.log('warn', `All of ${device} counts as used: ${reason}.`);
    });
    await this.#withSource(disk, reading, async (from) => {
      const inHand = await this.#round.takeUp(disk);
      const result = await withJournal(inHand.digests, async (journal) => {
        // The last thing before the first read: what is written from here on belongs to the next pass.
        const changes = await this.#ports.changes.take(diskId, used, inHand.resume);
        const options = this.#options(disk, inHand, journal, reading, { ...from, used, changes, onRead });
        const synced = await this.#taking(changes, () => this.#ports.syncDisk(options));
        return resultOf({ diskId, diskBytes, ...synced }, inHand, changes);
      });
      this.#round.finish(result);
    });
  }

  /** What was taken is done with, or not. */
  async #taking<T>(changes: TakenChanges, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      changes.complete();
      return result;
    } catch (error) {
      changes.giveBack();
      throw error;
    }
  }

  #usedBlocksOf(
    { present, assigned: { diskId } }: RoundDisk,
    { signal, heldMountPoints }: Reading,
    onDoubt: NonNullable<UsedBlocksOptions['onDoubt']>,
  ): Promise<UsedMap> {
    this.#round.progress.enter(diskId, 'mapping');
    return this.#ports.usedBlocksOf(present, {
      signal,
      isHeld: (mountPoint) => heldMountPoints.includes(mountPoint),
      holdStill: (mountPoint) => this.#ports.quiesce.holdForMap(present, mountPoint),
      onDoubt,
    });
  }

  async #withSource(
    { present }: RoundDisk,
    { isHeld }: Reading,
    work: (from: Pick<Source, 'source' | 'pace'>) => Promise<void>,
  ): Promise<void> {
    const source = await this.#ports.openSourceDisk(present.device);
    const pace = await this.#ports.pace.ofDisk(present.device, isHeld);
    try {
      await work({ source, pace });
    } finally {
      pace.close();
      await source.close();
    }
  }

  #options(
    { assigned: { diskId, sizeBytes: diskBytes, export: target } }: RoundDisk,
    { resume, baseline, digests }: DiskInHand,
    journal: DigestJournal,
    { signal, isHeld }: Reading,
    { used, source, pace, changes, onRead }: Source,
  ): SyncDiskOptions {
    return {
      ...{ diskId, source, used, target, baseline, digests, resume, journal, pace, signal, dirty: changes.dirty },
      buffers: this.#ports.buffers,
      ...(isHeld ? { timeouts: { replyTimeoutMs: HELD_SILENCE_LIMIT_MS } } : {}),
      onProgress: (standing) => {
        const rescans = standing.activity === 'transferring' && baseline !== null && changes.comparison === 'rescan';
        this.#round.progress.update(diskId, rescans ? { ...standing, activity: 'rescanning' } : standing);
        if (standing.activity === 'flushing') onRead();
      },
      onAcknowledged: (ranges) => {
        this.#acknowledged.add({ diskId, diskBytes }, ranges);
      },
    };
  }
}

function resultOf(
  result: SyncDiskResult & Pick<DiskRoundResult, 'diskId' | 'diskBytes'>,
  { baseline, baselineState, repaired }: DiskInHand,
  changes: TakenChanges,
): DiskRoundResult {
  return {
    ...result,
    ...howCompared(baseline !== null, [changes]),
    ...(repaired === null ? {} : { repaired }),
    baseline: baselineState,
    digestBlockBytes: DIGEST_BLOCK_BYTES,
  };
}
