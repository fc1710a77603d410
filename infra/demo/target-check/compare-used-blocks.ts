import { type FileHandle, open, stat } from 'node:fs/promises';
import type { ByteRange } from '#libs/contracts';
import { commandOutput } from '../machine/run-command.js';

export type BlockComparison = {
  readonly isEqual: boolean;
  readonly comparedBytes: number;
  /** In pieces of {@link PIECE_BYTES}: the first {@link MAX_DIFFERENCES} that differ. */
  readonly differing: readonly ByteRange[];
};

const PIECE_BYTES = 64 * 1024;
const READ_BYTES = 64 * PIECE_BYTES;
const MAX_DIFFERENCES = 20;

/**
 * Compares the same ranges of a disk and of an image, byte by byte.
 *
 * @param source a block device or an image; nothing may write to it meanwhile
 * @param target likewise
 * @param extents ranges of the whole disk
 * @throws RangeError when one of the two ends inside an extent
 */
export async function compareUsedBlocks(
  source: string,
  target: string,
  extents: readonly ByteRange[],
): Promise<BlockComparison> {
  const [sourceFile, targetFile] = [await openAtRest(source), await openAtRest(target)];
  const differing: ByteRange[] = [];
  let comparedBytes = 0;
  try {
    for (const extent of extents) {
      const end = extent.offsetBytes + extent.lengthBytes;
      for (let offset = extent.offsetBytes; offset < end; offset += READ_BYTES) {
        const lengthBytes = Math.min(READ_BYTES, end - offset);
        const [ofSource, ofTarget] = await Promise.all([
          readExactly(sourceFile, source, offset, lengthBytes),
          readExactly(targetFile, target, offset, lengthBytes),
        ]);
        comparedBytes += lengthBytes;
        differing.push(...differingPieces(ofSource, ofTarget, offset));
      }
    }
  } finally {
    await Promise.all([sourceFile.close(), targetFile.close()]);
  }
  return { isEqual: differing.length === 0, comparedBytes, differing: differing.slice(0, MAX_DIFFERENCES) };
}

/** A mounted partition has pages of its own: what the whole disk's pages hold may be older than what is on the disk. */
async function openAtRest(path: string): Promise<FileHandle> {
  if ((await stat(path)).isBlockDevice()) await commandOutput('blockdev', ['--flushbufs', path]);
  return open(path, 'r');
}

async function readExactly(file: FileHandle, path: string, offset: number, lengthBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(lengthBytes);
  let filled = 0;
  while (filled < lengthBytes) {
    const { bytesRead } = await file.read(buffer, filled, lengthBytes - filled, offset + filled);
    if (bytesRead === 0) throw new RangeError(`${path} ends at ${offset + filled}, inside an extent`);
    filled += bytesRead;
  }
  return buffer;
}

function differingPieces(source: Buffer, target: Buffer, offset: number): readonly ByteRange[] {
  if (source.equals(target)) return [];
  const pieces: ByteRange[] = [];
  for (let start = 0; start < source.length; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, source.length);
    if (source.compare(target, start, end, start, end) !== 0) {
      pieces.push({ offsetBytes: offset + start, lengthBytes: end - start });
    }
  }
  return pieces;
}
