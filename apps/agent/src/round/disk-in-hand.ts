import type { DigestAlgorithm, RepairedBlocks } from '#libs/contracts';
import { type BaselineState, type BlockSet, type DigestTable, DiskResume } from '#libs/block-transfer';
import { repairedBlocksOf } from './repaired-blocks.decision.js';
import type { DigestTableStore } from './round.ports.js';

/** What is known of the target while the disk is worked on, and whether this round compares with it. */
interface Loaded {
  readonly digests: DigestTable;
  readonly compares: boolean;
}

/** One disk of a round, over all attempts. Its table is there only while the disk is worked on. */
export class DiskInHand {
  /** What of the disk this round is done with. */
  readonly resume: DiskResume;
  readonly #diskBytes: number;
  readonly #algorithm: DigestAlgorithm;
  /** As it was when the round took the disk up. */
  #first: { readonly compares: boolean; readonly state: BaselineState } | null = null;
  #loaded: Loaded | null = null;
  #differences: BlockSet | null = null;

  constructor(diskBytes: number, algorithm: DigestAlgorithm) {
    this.resume = new DiskResume(diskBytes);
    this.#diskBytes = diskBytes;
    this.#algorithm = algorithm;
  }

  async load(store: DigestTableStore, generation: string): Promise<void> {
    if (this.#loaded !== null) return;
    const header = { diskBytes: this.#diskBytes, algorithm: this.#algorithm, generation };
    const { table, baseline } = await store.load(header);
    // A round that failed before its first FLUSH leaves a table that says nothing.
    const isWorthComparing = table !== null && !table.knowsNothing;
    this.#first ??= {
      compares: isWorthComparing,
      state: table === null || isWorthComparing ? baseline : 'none',
    };
    this.#loaded = {
      digests: table ?? store.unknown(header),
      // What a round that began with nothing known has filled itself is no baseline of its own.
      compares: isWorthComparing && this.#first.compares,
    };
  }

  /** Blocks that the target was found not to hold, by any attempt; the round sends them. */
  noteDifferences(blocks: BlockSet): void {
    if (this.#differences === null) this.#differences = blocks;
    else this.#differences.addFrom(blocks);
  }

  /** null: nobody looked for differences. */
  get repaired(): RepairedBlocks | null {
    return this.#differences === null ? null : repairedBlocksOf(this.#differences.ranges());
  }

  /** Nothing is done with the disk for now; what is to be kept of its table is stored. */
  putAway(): void {
    this.#loaded?.digests.close();
    this.#loaded = null;
  }

  /** As it was when the round took the disk up. */
  get baselineState(): BaselineState {
    return this.#first?.state ?? 'none';
  }

  /** What the target is known to hold; null: nothing. */
  get baseline(): DigestTable | null {
    return this.#loaded?.compares === true ? this.#loaded.digests : null;
  }

  /**
   * The table that the round keeps. The same one as the baseline, so that a round which fails before its first write
   * keeps what it had. Throws when the disk is not taken up.
   */
  get digests(): DigestTable {
    if (this.#loaded === null) throw new Error('the disk was put away');
    return this.#loaded.digests;
  }
}
