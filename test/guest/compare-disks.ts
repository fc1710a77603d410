import type { ByteRange } from '#libs/contracts';
import { endOf } from '#libs/block-transfer';
import { open } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;
const SECTOR_BYTES = 512;

/**
 * Compares a target with its source, byte by byte. They may differ only where the target has zeros and the source has
 * leftovers in what is free.
 * @param free merged and in order
 * @returns how many bytes of leftovers did not travel
 * @throws Error that names the first difference
 */
export async function compareDisks(source: string, target: string, free: readonly ByteRange[]): Promise<number> {
  const [one, other] = [await open(source, 'r'), await open(target, 'r')];
  const { size } = await one.stat();
  if ((await other.stat()).size !== size) throw new Error('the target has another size than its source');
  const [wanted, found] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)];
  const zeros = Buffer.alloc(SECTOR_BYTES);
  let leftOutBytes = 0;
  try {
    for (let offset = 0; offset < size; offset += PIECE_BYTES) {
      await one.read(wanted, 0, PIECE_BYTES, offset);
      await other.read(found, 0, PIECE_BYTES, offset);
      if (wanted.equals(found)) continue;
      for (let at = 0; at < PIECE_BYTES; at += SECTOR_BYTES) {
        const sector = found.subarray(at, at + SECTOR_BYTES);
        if (sector.equals(wanted.subarray(at, at + SECTOR_BYTES))) continue;
        if (!sector.equals(zeros)) throw new Error(`source and target differ in the sector at byte ${offset + at}`);
        if (!isIn(offset + at, free))
          throw new Error(`the used sector at byte ${offset + at} is missing on the target`);
        leftOutBytes += SECTOR_BYTES;
      }
    }
    return leftOutBytes;
  } finally {
    await one.close();
    await other.close();
  }
}

function isIn(offset: number, ranges: readonly ByteRange[]): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && endOf(range) <= offset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.offsetBytes <= offset && endOf(range) >= offset + SECTOR_BYTES;
}
