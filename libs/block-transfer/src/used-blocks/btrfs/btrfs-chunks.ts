import type { ByteRange } from '#libs/contracts';
import { believe } from '../map-doubt.js';
import type { BtrfsChunk } from './btrfs-chunk.parser.js';

/** All chunks of a btrfs on one device: from logical addresses to bytes. */
export class BtrfsChunks {
  readonly #sorted: readonly BtrfsChunk[];

  /** Throws a `MapDoubt` when chunks overlap, or are not on this device. */
  constructor(chunks: readonly BtrfsChunk[], deviceId: bigint, deviceBytes: number) {
    this.#sorted = chunks.toSorted((a, b) => (a.start < b.start ? -1 : 1));
    let end = 0n;
    for (const { start, lengthBytes, stripes } of this.#sorted) {
      believe(start >= end && lengthBytes > 0, 'chunks of btrfs overlap');
      end = start + BigInt(lengthBytes);
      for (const stripe of stripes) {
        believe(stripe.deviceId === deviceId, 'a chunk of btrfs is on another device');
        believe(stripe.startBytes + lengthBytes <= deviceBytes, 'a chunk of btrfs is outside of its device');
      }
    }
  }

  /** The bytes at logical addresses, once for each copy. Throws a `MapDoubt` unless one chunk holds all of them. */
  placesOf(address: bigint, lengthBytes: number): ByteRange[] {
    const chunk = this.#chunkAt(address);
    const inChunk = chunk === undefined ? -1 : Number(address - chunk.start);
    believe(
      chunk !== undefined && inChunk + lengthBytes <= chunk.lengthBytes,
      `btrfs names address ${address}, which is in no chunk`,
    );
    return chunk.stripes.map(({ startBytes }) => ({ offsetBytes: startBytes + inChunk, lengthBytes }));
  }

  #chunkAt(address: bigint): BtrfsChunk | undefined {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#sorted[middle];
      if (chunk !== undefined && chunk.start <= address) low = middle + 1;
      else high = middle;
    }
    return this.#sorted[low - 1];
  }
}
