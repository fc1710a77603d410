import { believe } from './map-doubt.js';
import type { FileSystemBytes } from './file-system-bytes.js';

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
