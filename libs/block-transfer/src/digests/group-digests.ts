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
  const digests = new Uint8Array(groupDigestsBytes(table.blockCount));
  const turns = new EventLoopTurns();
  let offset = 0;
  for (const group of table.parts(GROUP_BLOCKS * DIGEST_BYTES)) {
    digests.set(digestOf(group, table.algorithm), offset);
    offset += DIGEST_BYTES;
    await turns.giveWay();
  }
  return digests;
}
