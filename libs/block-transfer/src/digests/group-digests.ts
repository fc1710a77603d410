import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BYTES, digestOf } from './block-digest.js';
import type { DigestTable } from './digest-table.js';
import { EventLoopTurns } from './event-loop-turns.js';

/** Blocks of a group: 64 MiB of disk. The last group of a disk may be smaller. */
export const GROUP_BLOCKS = 1024;

/** Length of {@link groupDigestsOf} a table of so many blocks. */
export const groupDigestsBytes = (blockCount: number): number => Math.ceil(blockCount / GROUP_BLOCKS) * DIGEST_BYTES;

/**
 * One digest for each group of 1,024 blocks, one behind the other: of the group's entries as they stand in the table.
 * 512 KiB for each TiB of disk. They tell in which groups two tables of one disk size and algorithm may differ: an entry
 * that is unknown in one of them makes its group differ. They prove nothing; the root of the digest tree does.
 */
export async function groupDigestsOf(table: DigestTable): Promise<Uint8Array> {
  const groups = new GroupDigests(table.algorithm, table.blockCount);
  const turns = new EventLoopTurns();
  for (const part of table.parts(GROUP_BLOCKS * DIGEST_BYTES)) {
    groups.push(part);
    await turns.giveWay();
  }
  return groups.digests();
}

/** The same from entries that come in order. */
export class GroupDigests {
  private readonly done: Uint8Array;
  private doneBytes = 0;
  private readonly group = new Uint8Array(GROUP_BLOCKS * DIGEST_BYTES);
  private filledBytes = 0;

  constructor(
    private readonly algorithm: DigestAlgorithm,
    blockCount: number,
  ) {
    this.done = new Uint8Array(groupDigestsBytes(blockCount));
  }

  /** @param entries the next ones, one behind the other */
  push(entries: Uint8Array): void {
    for (let taken = 0; taken < entries.length;) {
      const part = entries.subarray(taken, taken + this.group.length - this.filledBytes);
      this.group.set(part, this.filledBytes);
      this.filledBytes += part.length;
      taken += part.length;
      if (this.filledBytes === this.group.length) this.endGroup();
    }
  }

  /** When all entries are there. Nothing can be pushed afterwards. */
  digests(): Uint8Array {
    if (this.filledBytes > 0) this.endGroup();
    return this.done;
  }

  private endGroup(): void {
    this.done.set(digestOf(this.group.subarray(0, this.filledBytes), this.algorithm), this.doneBytes);
    this.doneBytes += DIGEST_BYTES;
    this.filledBytes = 0;
  }
}
