import library from 'crc-32/crc32c.js';

/**
 * CRC-32C (Castagnoli), which file systems keep of their metadata. Node's own `zlib.crc32` is another polynomial.
 * @param previous the CRC of what comes before, to go on from
 * @returns unsigned
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return library.buf(bytes, previous) >>> 0;
}
