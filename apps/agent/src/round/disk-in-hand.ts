import type { ByteRange, DigestAlgorithm, RepairedBlocks } from '#libs/contracts';
import { type BaselineState, DigestTable, DiskResume, mergeExtents } from '#libs/block-transfer';
import { repairedBlocksOf } from './repaired-blocks.decision.js';
import type { DigestTableStore } from './round.ports.js';

/** One disk of a round, over all attempts. Its table is in memory only while the disk is worked on. */
export class DiskInHand {
  /** What of the disk this round is done with. */
  readonly resume: DiskResume;
  readonly #diskBytes: number;
  readonly #algorithm: DigestAlgorithm;
  #baselineState: BaselineState | null = null;
  #baseline: DigestTable | null = null;
  #digests: DigestTable | null = null;
  #isLoaded = false;
  #differences: readonly ByteRange[] | null = null;

  constructor(diskBytes: number, algorithm: DigestAlgorithm) {
    this.resume = new DiskResume(diskBytes);
    this.#diskBytes = diskBytes;
    this.#algorithm = algorithm;
  }

  async load(store: DigestTableStore, generation: string): Promise<void> {
    if (this.#isLoaded) return;
    const { table, baseline } = await store.load({
      diskBytes: this.#diskBytes,
      algorithm: this.#algorithm,
      generation,
    });
    // A round that failed before its first FLUSH leaves a table that says nothing.
    const isWorthComparing = table !== null && !table.knowsNothing;
    this.#baseline = isWorthComparing ? table : null;
    this.#baselineState ??= table === null || isWorthComparing ? baseline : 'none';
    this.#isLoaded = true;
  }

  /** Blocks that the target was found not to hold, by any attempt; the round sends them. */
  noteDifferences(ranges: readonly ByteRange[]): void {
    this.#differences = mergeExtents([...(this.#differences ?? []), ...ranges]);
  }

  /** null: nobody looked for differences. */
  get repaired(): RepairedBlocks | null {
    return this.#differences === null ? null : repairedBlocksOf(this.#differences);
  }

  /** Nothing is done with the disk for now, and its table is stored. */
  putAway(): void {
    this.#baseline = null;
    this.#digests = null;
    this.#isLoaded = false;
  }

  /** As it was when the round took the disk up. */
  get baselineState(): BaselineState {
    return this.#baselineState ?? 'none';
  }

  /** What the target is known to hold; null: nothing. */
  get baseline(): DigestTable | null {
    return this.#baseline;
  }

  /**
   * The table that the round keeps. The same one as the baseline, so that a round which fails before its first write
   * keeps what it had. Made when it is needed: it takes 512 MiB for each TiB of disk.
   */
  get digests(): DigestTable {
    return (this.#digests ??= this.#baseline ?? DigestTable.unknown(this.#diskBytes, this.#algorithm));
  }
}
