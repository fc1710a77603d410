import type { ByteRange } from '#libs/contracts';
import { invertExtents, mergeExtents, totalBytes } from '../../extents/byte-extents.js';
import { believe, MapDoubt } from '../map-doubt.js';
import type { BtrfsChunk } from './btrfs-chunk.parser.js';

/** All chunks of a btrfs on one device: from logical addresses to bytes. */
export class BtrfsChunks {
  readonly #sorted: readonly BtrfsChunk[];
  /** Addresses are mostly asked for in order. */
  #lastIndex = -1;
  /** What of the device no chunk has. */
  readonly unallocated: readonly ByteRange[];

  /** Throws a `MapDoubt` when chunks overlap, logically or on the device, or are not on this device. */
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
    const places = chunks.flatMap(({ lengthBytes, stripes }) =>
      stripes.map(({ startBytes }) => ({ offsetBytes: startBytes, lengthBytes })),
    );
    const allocated = mergeExtents(places);
    believe(totalBytes(allocated) === totalBytes(places), 'chunks of btrfs share a place');
    this.unallocated = invertExtents(allocated, deviceBytes);
  }

  /** The one chunk that holds all of these logical addresses. Throws a `MapDoubt` when there is none. */
  holding(address: bigint, lengthBytes: number): BtrfsChunk {
    const chunk = this.#sorted[this.#indexAt(address)];
    const believable = chunk !== undefined && Number(address - chunk.start) + lengthBytes <= chunk.lengthBytes;
    if (!believable) throw new MapDoubt(`btrfs names address ${address}, which is in no chunk`);
    return chunk;
  }

  /** The bytes at logical addresses, once for each copy. Throws a `MapDoubt` unless one chunk holds all of them. */
  placesOf(address: bigint, lengthBytes: number): ByteRange[] {
    const { start, stripes } = this.holding(address, lengthBytes);
    return stripes.map(({ startBytes }) => ({ offsetBytes: startBytes + Number(address - start), lengthBytes }));
  }

  /** The bytes at all logical addresses from `start` up to, without, `end`, as far as there are chunks. */
  *placesBetween(start: bigint, end: bigint): Generator<ByteRange> {
    for (let index = Math.max(this.#indexAt(start), 0); index < this.#sorted.length; index += 1) {
      const chunk = this.#sorted[index];
      if (chunk === undefined || chunk.start >= end) return;
      const from = Math.max(Number(start - chunk.start), 0);
      const to = Math.min(Number(end - chunk.start), chunk.lengthBytes);
      if (from >= to) continue;
      for (const { startBytes } of chunk.stripes) yield { offsetBytes: startBytes + from, lengthBytes: to - from };
    }
  }

  /** The last chunk that begins at or before an address; -1 where there is none. */
  #indexAt(address: bigint): number {
    const [last, next] = [this.#sorted[this.#lastIndex], this.#sorted[this.#lastIndex + 1]];
    const isSame = last !== undefined && last.start <= address && (next === undefined || address < next.start);
    if (!isSame) this.#lastIndex = this.#search(address);
    return this.#lastIndex;
  }

  #search(address: bigint): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#sorted[middle];
      if (chunk !== undefined && chunk.start <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
