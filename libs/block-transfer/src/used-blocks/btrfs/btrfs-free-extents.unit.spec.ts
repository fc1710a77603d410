import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { invertExtents, mergeExtents, totalBytes } from '../../extents/byte-extents.js';
import { MAX_FREE_EXTENTS } from '../free-list.js';
import { btrfsFreeWhileStill } from './btrfs-free-extents.js';
import { fakeBtrfs, type FakeChunk } from './btrfs-image.fake.js';

const MIB = 1024 * 1024;
const DEVICE_BYTES = 200 * MIB;
const ALWAYS_USED = [
  { offsetBytes: 0, lengthBytes: MIB },
  { offsetBytes: 64 * MIB, lengthBytes: 65_536 },
];

/** Chunks of a few MiB: in order by their addresses, in any order on the device, some of them twice. */
const layouts = fc
  .record({
    places: fc.shuffledSubarray(
      Array.from({ length: 45 }, (_, index) => (1 + index * 4) * MIB),
      { minLength: 14 },
    ),
    chunks: fc.array(fc.record({ gap: fc.nat(3), mib: fc.integer({ min: 1, max: 4 }), twice: fc.boolean() }), {
      maxLength: 6,
    }),
    extents: fc.array(fc.tuple(fc.nat(90), fc.integer({ min: 1, max: 90 })), { maxLength: 60 }),
  })
  .map(({ places, chunks, extents }) => {
    const made: FakeChunk[] = [{ start: 16 * MIB, lengthBytes: 4 * MIB, places: places.splice(0, 2) }];
    let start = 20 * MIB;
    for (const { gap, mib, twice } of chunks) {
      start += gap * MIB;
      made.push({ start, lengthBytes: mib * MIB, places: places.splice(0, twice ? 2 : 1) });
      start += mib * MIB;
    }
    return { made, extents: extentsIn(made.slice(1), extents) };
  });

function extentsIn(chunks: readonly FakeChunk[], wanted: readonly (readonly [number, number])[]) {
  let address = 0;
  return wanted.flatMap(([gap, pages]) => {
    address += gap * 4096;
    const chunk = chunks.find(({ start, lengthBytes }) => start + lengthBytes > address);
    if (chunk === undefined) return [];
    address = Math.max(address, chunk.start);
    const lengthBytes = Math.min(pages * 4096, chunk.start + chunk.lengthBytes - address);
    address += lengthBytes;
    return [{ address: address - lengthBytes, lengthBytes }];
  });
}

/** The other way round: what is used, in all its places. */
function usedOf(
  chunks: readonly FakeChunk[],
  extents: readonly { address: number; lengthBytes: number }[],
): ByteRange[] {
  return extents.flatMap(({ address, lengthBytes }) => {
    const chunk = chunks.find(({ start, lengthBytes: all }) => address >= start && address < start + all);
    return (chunk?.places ?? []).map((place) => ({ offsetBytes: place + address - (chunk?.start ?? 0), lengthBytes }));
  });
}

describe('btrfsFreeWhileStill', () => {
  it('frees all but what is in an extent, wherever chunks are', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ made, extents }) => {
        const { fileSystem, treeBytes } = fakeBtrfs(DEVICE_BYTES, made, extents);
        const used = usedOf(made, [{ address: 16 * MIB, lengthBytes: treeBytes }, ...extents]);
        const free = await btrfsFreeWhileStill(fileSystem);
        expect([...free]).toEqual(invertExtents(mergeExtents([...used, ...ALWAYS_USED]), DEVICE_BYTES));
      }),
      { numRuns: 40 },
    );
  });

  it('doubts chunks that share a place', async () => {
    const chunks = [
      { start: 16 * MIB, lengthBytes: 4 * MIB, places: [4 * MIB] },
      { start: 20 * MIB, lengthBytes: 4 * MIB, places: [7 * MIB] },
    ];
    await expect(btrfsFreeWhileStill(fakeBtrfs(DEVICE_BYTES, chunks, []).fileSystem)).rejects.toThrow(/share a place/);
  });

  it.each([
    ['behind all chunks', 24 * MIB],
    ['between chunks', 20 * MIB],
    ['reaching out of its chunk', 20 * MIB - 4096],
  ])('doubts an extent %s', async (_, address) => {
    const chunks = [
      { start: 16 * MIB, lengthBytes: 4 * MIB, places: [4 * MIB] },
      { start: 22 * MIB, lengthBytes: 2 * MIB, places: [12 * MIB] },
    ];
    const { fileSystem } = fakeBtrfs(DEVICE_BYTES, chunks, [{ address, lengthBytes: 8192 }]);
    await expect(btrfsFreeWhileStill(fileSystem)).rejects.toThrow(/in no chunk/);
  });

  it('keeps a list that fits into memory, with the largest, of one that is badly fragmented', async () => {
    const count = 300_000;
    const chunks = [
      { start: 16 * MIB, lengthBytes: 16 * MIB, places: [4 * MIB] },
      { start: 32 * MIB, lengthBytes: count * 16_384, places: [32 * MIB] },
    ];
    const deviceBytes = 32 * MIB + (count + 20_000) * 16_384;
    const extents = Array.from({ length: count }, (_, index) => ({
      address: 32 * MIB + index * 16_384,
      lengthBytes: index % 100 === 99 ? 4096 : 8192,
    })).filter((_, index) => index % 1000 < 900);
    const { fileSystem } = fakeBtrfs(deviceBytes, chunks, extents);
    const free = [...(await btrfsFreeWhileStill(fileSystem))];
    expect(free.length).toBeLessThanOrEqual(MAX_FREE_EXTENTS);
    // 100 of a thousand are free in a row; and what is behind the chunks.
    expect(totalBytes(free)).toBeGreaterThan((count / 10 + 20_000) * 16_384 - 302 * 2 * 65_536);
  });
});
