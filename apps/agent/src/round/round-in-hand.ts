import type { DiskResume, SyncDiskTotals } from '#libs/block-transfer';
import type { DigestAlgorithm, DiskRoundResult, EndpointReport, Stillness, SyncRoundAssignment } from '#libs/contracts';
import type { RoundDisk } from './disk-choice.decision.js';
import { DiskInHand } from './disk-in-hand.js';
import { howCompared, type HowCompared } from './how-compared.decision.js';
import { RoundProgress } from './round-progress.js';
import type { ChangeTracking, DigestTables } from './round.ports.js';

/** What one process knows of the round that it works on, kept from one attempt to the next. */
export class RoundInHand {
  readonly roundId: string;
  readonly progress: RoundProgress;
  /** The report that ended the round. */
  outcome: EndpointReport | null = null;
  readonly #taskId: string;
  readonly #algorithm: DigestAlgorithm;
  readonly #tables: DigestTables;
  readonly #disks = new Map<string, DiskInHand>();
  readonly #results = new Map<string, DiskRoundResult>();
  #compares: HowCompared | null = null;

  constructor({ roundId, taskId, digestAlgorithm, disks }: SyncRoundAssignment, tables: DigestTables) {
    this.roundId = roundId;
    this.progress = new RoundProgress(disks);
    this.#taskId = taskId;
    this.#algorithm = digestAlgorithm;
    this.#tables = tables;
  }

  /**
   * Once per attempt.
   * @param readsAgain earlier attempts do not count: all disks have to belong to one moment of the source
   */
  beginAttempt(readsAgain: boolean): void {
    this.progress.beginAttempt(readsAgain);
    if (!readsAgain) return;
    for (const disk of this.#disks.values()) disk.resume.readAgain();
    this.#results.clear();
  }

  /** With its table, until {@link finish} or {@link putAway}. */
  async takeUp(disk: RoundDisk): Promise<DiskInHand> {
    const inHand = this.#inHand(disk);
    await inHand.load(this.#tables.of(this.#taskId, disk.assigned.diskId), this.#taskId);
    return inHand;
  }

  /** A pass is to read again what was written to a disk since the one before. @returns what it is done with: nothing */
  readAgain(disk: RoundDisk): DiskResume {
    const { resume } = this.#inHand(disk);
    resume.readAgain();
    return resume;
  }

  /** What an earlier pass of this attempt compared is what the attempt did. */
  finish(result: DiskRoundResult): void {
    const { diskId } = result;
    const earlier = this.#results.get(diskId);
    this.#results.set(diskId, earlier === undefined ? result : { ...result, ...comparedBy(earlier) });
    this.#disks.get(diskId)?.putAway();
    this.progress.leave(diskId);
  }

  /** After a later pass over a disk. */
  noteTotals(diskId: string, totals: SyncDiskTotals): void {
    this.#amend(diskId, totals);
    this.progress.leave(diskId);
  }

  noteRoot(diskId: string, rootDigest: string): void {
    this.#amend(diskId, { rootDigest });
  }

  /** Of all disks, as the moment that they belong to is one. */
  noteStillness(stillness: Stillness): void {
    for (const diskId of this.#results.keys()) this.#amend(diskId, { stillness });
  }

  /** An attempt has ended: what is not done waits for the next one, with its table on disk. */
  putAway(): void {
    for (const disk of this.#disks.values()) disk.putAway();
  }

  /** The disks that this round is not done with. */
  left(disks: readonly RoundDisk[]): readonly RoundDisk[] {
    return disks.filter(({ assigned }) => !this.#results.has(assigned.diskId));
  }

  get results(): DiskRoundResult[] {
    return [...this.#results.values()];
  }

  /**
   * Before the first attempt connects; later ones go on with its answer. Blocks that the round sent itself are not
   * compared.
   * @param resend the digests are forgotten, of all disks at once: a round that fails in its first disk must not leave
   *   the others to be compared by the next one
   */
  async prepare(disks: readonly RoundDisk[], resend: boolean, changes: ChangeTracking): Promise<HowCompared> {
    if (this.#compares !== null) return this.#compares;
    if (resend) for (const disk of disks) await this.#forget(disk);
    const standings = disks.map(({ assigned }) => changes.standingOf(assigned.diskId));
    this.#compares = howCompared(await this.#hasDigests(disks), standings);
    return this.#compares;
  }

  async #forget({ assigned: { diskId, sizeBytes: diskBytes } }: RoundDisk): Promise<void> {
    const store = this.#tables.of(this.#taskId, diskId);
    const header = { diskBytes, algorithm: this.#algorithm, generation: this.#taskId };
    const { table } = await store.load(header);
    if (table === null) return;
    table.close();
    const nothing = store.unknown(header);
    try {
      await (await store.begin(nothing, this.#taskId)).end();
    } finally {
      nothing.close();
    }
  }

  async #hasDigests(disks: readonly RoundDisk[]): Promise<boolean> {
    // One that compares decides; the tables of the others need not be there yet.
    for (const disk of disks) if ((await this.takeUp(disk)).baseline !== null) return true;
    return false;
  }

  end(outcome: EndpointReport): void {
    this.outcome = outcome;
    this.#disks.clear();
  }

  #amend(diskId: string, what: Partial<DiskRoundResult>): void {
    const result = this.#results.get(diskId);
    if (result !== undefined) this.#results.set(diskId, { ...result, ...what });
  }

  #inHand({ assigned: { diskId, sizeBytes } }: RoundDisk): DiskInHand {
    const disk = this.#disks.get(diskId) ?? new DiskInHand(sizeBytes, this.#algorithm);
    this.#disks.set(diskId, disk);
    return disk;
  }
}

function comparedBy({ comparison, rescanReason }: DiskRoundResult): Pick<DiskRoundResult, keyof HowCompared> {
  return { comparison, rescanReason };
}
