import type { ByteRange } from '#libs/contracts';
import type { FileSystemBytes } from './file-system-bytes.js';
import type { FreeList } from './free-list.js';
import { believe, MapDoubt } from './map-doubt.js';

/** A file system in memory. `onRead` may change it, or stand in for what a read would give. */
export function bufferBytes(
  content: Buffer,
  options: { startBytes?: number; onRead?: (offsetBytes: number, bytes: Buffer) => void } = {},
): FileSystemBytes {
  return {
    place: { device: '/dev/null', startBytes: options.startBytes ?? 0, sizeBytes: content.length },
    read: async (offsetBytes, lengthBytes) => {
      believe(offsetBytes >= 0 && offsetBytes + lengthBytes <= content.length, 'outside');
      const bytes = Buffer.from(content.subarray(offsetBytes, offsetBytes + lengthBytes));
      options.onRead?.(offsetBytes, bytes);
      return Promise.resolve(bytes);
    },
  };
}

/** The free extents that `list` finds, in bytes of the disk; none when it doubts what it reads, as in a round. */
export async function freeExtentsIn(
  bytes: FileSystemBytes,
  list: (bytes: FileSystemBytes) => Promise<FreeList>,
): Promise<ByteRange[]> {
  try {
    return [...(await list(bytes))];
  } catch (error) {
    if (error instanceof MapDoubt) return [];
    throw error;
  }
}
