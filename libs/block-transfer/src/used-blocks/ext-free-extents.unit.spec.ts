import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { mergeExtents } from '../extents/byte-extents.js';
import { bufferBytes, freeExtentsIn } from './buffer-bytes.fake.js';
import { freeOfExt } from './ext-free-extents.js';
import { OutgrownDoubt } from './map-doubt.js';
import {
  bitmapOffset,
  changeSuperblock,
  FAKE_BLOCKS,
  FAKE_GROUP_BLOCKS,
  FAKE_GROUPS,
  FAKE_METADATA_BLOCKS,
  fakeExt,
  sealDescriptor,
} from './ext-image.fake.js';

const START = 4096;
const usedBlocks = fc.array(fc.array(fc.integer({ min: FAKE_METADATA_BLOCKS, max: FAKE_GROUP_BLOCKS - 1 })), {
  minLength: FAKE_GROUPS,
  maxLength: FAKE_GROUPS,
});

function freeOf(image: Buffer, onRead?: (offset: number, bytes: Buffer) => void): Promise<ByteRange[]> {
  return freeExtentsIn(bufferBytes(image, { startBytes: START, ...(onRead && { onRead }) }), freeOfExt);
}

/** Block by block, what must come out. */
function expected(used: readonly (readonly number[])[], without: readonly number[] = []): ByteRange[] {
  const free: ByteRange[] = [];
  for (let block = 1; block < FAKE_BLOCKS; block += 1) {
    const group = Math.floor((block - 1) / FAKE_GROUP_BLOCKS);
    const place = (block - 1) % FAKE_GROUP_BLOCKS;
    const isUsed = place < FAKE_METADATA_BLOCKS || used[group]!.includes(place) || without.includes(group);
    if (!isUsed) free.push({ offsetBytes: START + block * 1024, lengthBytes: 1024 });
  }
  return mergeExtents(free);
}

describe('the free blocks of an ext file system', () => {
  it('are the zeros of its bitmaps, up to its last block', async () => {
    await fc.assert(
      fc.asyncProperty(usedBlocks, async (used) => {
        expect(await freeOf(fakeExt(used))).toEqual(expected(used));
      }),
    );
  });

  it('never hold anything that is used, whatever happened to a byte of it', async () => {
    await fc.assert(
      fc.asyncProperty(usedBlocks, fc.integer({ min: 1024, max: 1024 * 700 }), fc.nat(255), async (used, at, byte) => {
        const image = fakeExt(used);
        image[at] = byte;
        const free = await freeOf(image).catch(() => []);
        const allowed = new Set(expected(used).flatMap(blocksOf));
        expect(free.flatMap(blocksOf).filter((block) => !allowed.has(block))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('are none in a group without checksums that has not as much free as it says', async () => {
    const someBits = fc.integer({ min: FAKE_METADATA_BLOCKS, max: FAKE_GROUP_BLOCKS - 21 });
    await fc.assert(
      fc.asyncProperty(usedBlocks, fc.nat(FAKE_GROUPS - 1), someBits, async (used, group, bit) => {
        const image = fakeExt(used, { roCompat: 0 });
        expect(await freeOf(image)).toEqual(expected(used));
        const byte = bitmapOffset(group) + (bit >>> 3);
        image.writeUInt8(image.readUInt8(byte) ^ (1 << (bit & 7)), byte);
        expect(await freeOf(image)).toEqual(expected(used, [group]));
      }),
    );
  });

  it.each([
    ['a checksum does', {}],
    ['the number of free blocks does', { roCompat: 0 }],
  ])('are read again while %s not fit, but not for ever', async (_, fields) => {
    const used = [[10], [20], [30]];
    for (const [wrongReads, without] of [
      [3, []],
      [100, [1]],
    ] as const) {
      let reads = 0;
      const free = await freeOf(fakeExt(used, fields), (offset, bytes) => {
        if (offset !== bitmapOffset(1)) return;
        reads += 1;
        if (reads <= wrongReads) bytes[31] = 0x80;
      });
      expect(free).toEqual(expected(used, without));
      expect(reads).toBe(wrongReads === 3 ? 4 : 10);
    }
  });

  it('take a bitmap that was never written for free but for metadata, where the feature is there', async () => {
    const image = fakeExt([[10], [20], [30]]);
    image.writeUInt16LE(0x2, 2048 + 32 + 0x12);
    image.fill(0xff, bitmapOffset(1), bitmapOffset(1) + 32);
    sealDescriptor(image, 1);
    expect(await freeOf(image)).toEqual(expected([[10], [], [30]]));
    changeSuperblock(image, (superblock) => superblock.writeUInt32LE(0, 0x64));
    expect(await freeOf(image)).toEqual(expected([[10], [], [30]], [1]));
  });

  it.each([
    ['grew', 1],
    ['shrank', -1],
  ])(
    'are gathered again when the file system %s meanwhile, and are none when it never keeps still',
    async (_name, by) => {
      const used = [[10], [20], [30]];
      const freeWhileResized = (times: number): Promise<ByteRange[]> => {
        const image = fakeExt(used);
        let changes = 0;
        return freeOf(image, (offset) => {
          if (offset !== bitmapOffset(2) || changes >= times) return;
          changes += 1;
          changeSuperblock(image, (superblock) => superblock.writeUInt32LE(FAKE_BLOCKS + by * changes, 0x04));
        });
      };
      const last = expected(used).at(-1)!;
      expect((await freeWhileResized(1)).at(-1)).toEqual({ ...last, lengthBytes: last.lengthBytes + by * 1024 });
      expect(await freeWhileResized(100)).toEqual([]);
    },
  );

  it.each([
    ['compression', { incompat: 0x3 }],
    ['an external journal', { incompat: 0xa }],
    ['shared blocks', { roCompat: 0x4400 }],
    ['a feature of tomorrow', { incompat: 0x80000002 }],
    ['another feature of tomorrow', { roCompat: 0x80000400 }],
    ['a journal to be played, of a file system that is not in use', { incompat: 0x6 }],
  ])('are none with %s', async (_, fields) => {
    expect(await freeOf(fakeExt([[], [], []], fields))).toEqual([]);
  });

  it.each([
    ['blocks of 128 KiB', 0x18, 7],
    ['clusters without bigalloc', 0x1c, 1],
    ['another first block', 0x14, 0],
    ['groups larger than their bitmaps', 0x20, 8200],
    ['more inodes than there is room for', 0x00, 25],
    ['too many groups', 0x04, 0xffffffff],
  ])('are none with %s', async (_, offset, value) => {
    const image = fakeExt([[], [], []]);
    changeSuperblock(image, (superblock) => superblock.writeUInt32LE(value, offset));
    expect(await freeOf(image)).toEqual([]);
  });

  it('are not known without the magic number, and in doubt of a file system larger than its place', async () => {
    await expect(freeOf(Buffer.alloc(8192))).rejects.toMatchObject({ code: 'USED_BLOCKS_UNKNOWN' });
    const cutOff = fakeExt([[], [], []]).subarray(0, 600_000);
    await expect(freeOfExt(bufferBytes(cutOff))).rejects.toThrow(OutgrownDoubt);
  });
});

function blocksOf({ offsetBytes, lengthBytes }: ByteRange): number[] {
  return Array.from({ length: lengthBytes / 1024 }, (_, index) => offsetBytes / 1024 + index);
}
