import { describe, expect, it } from 'vitest';
import { totalBytes } from '../../extents/byte-extents.js';
import { MAX_FREE_EXTENTS } from '../free-list.js';
import type { StillFileSystem } from '../still-file-system.js';
import { xfsFreeSpace } from './xfs-free-space.js';
import type { XfsGeometry } from './xfs-superblock.parser.js';

const BLOCK_BYTES = 4096;
const GROUP_BLOCKS = 2 ** 24;
const GROUPS = 3;
const RECORDS_PER_LEAF = 500;
const RECORDS = 400_000;
const START_BYTES = 1024 * 1024;

const geometry: XfsGeometry = {
  ...{ hasChecksums: false, blockBytes: BLOCK_BYTES, sectorBytes: 512, logStartBytes: 0, logBytes: 0 },
  ...{ blocks: GROUPS * GROUP_BLOCKS, groupBlocks: GROUP_BLOCKS, groups: GROUPS },
};

/** Every hundredth free extent has 400 blocks, the others have one. */
const blocksIn = (record: number): number => (record % 100 === 0 ? 400 : 1);
const firstOf = (record: number): number => 10_000 + record * 10 + Math.ceil(record / 100) * 400;

/** A made-up xfs of version 4, the same in each group, of which nothing is kept: a million extents would be large. */
const fragmented: StillFileSystem = {
  startBytes: START_BYTES,
  sizeBytes: GROUPS * GROUP_BLOCKS * BLOCK_BYTES,
  read: (offsetBytes, lengthBytes) => {
    const group = Math.floor(offsetBytes / (GROUP_BLOCKS * BLOCK_BYTES));
    const inGroup = offsetBytes - group * GROUP_BLOCKS * BLOCK_BYTES;
    const bytes = Buffer.alloc(lengthBytes);
    if (inGroup === 512) writeHeader(bytes, group);
    else writeTreeBlock(bytes, inGroup / BLOCK_BYTES);
    return Promise.resolve(bytes);
  },
};

function writeHeader(bytes: Buffer, group: number): void {
  bytes.write('XAGF', 'latin1');
  const large = Math.ceil(RECORDS / 100);
  const words = { 8: group, 12: GROUP_BLOCKS, 16: 1, 28: 2, 52: RECORDS + large * 399 };
  for (const [at, value] of Object.entries(words)) bytes.writeUInt32BE(value, Number(at));
}

/** Block 1 is the root, which only has to lead to the leftmost leaf, block 2; the others follow it. */
function writeTreeBlock(bytes: Buffer, block: number): void {
  const leaf = block - 2;
  const isRoot = leaf < 0;
  bytes.write('ABTB', 'latin1');
  bytes.writeUInt16BE(isRoot ? 1 : 0, 4);
  bytes.writeUInt16BE(isRoot ? 1 : RECORDS_PER_LEAF, 6);
  bytes.writeUInt32BE(isRoot || (leaf + 1) * RECORDS_PER_LEAF >= RECORDS ? 0xffffffff : block + 1, 12);
  if (isRoot) {
    bytes.writeUInt32BE(2, 16 + Math.floor((BLOCK_BYTES - 16) / 12) * 8);
    return;
  }
  for (let index = 0; index < RECORDS_PER_LEAF; index += 1) {
    const record = leaf * RECORDS_PER_LEAF + index;
    bytes.writeUInt32BE(firstOf(record), 16 + index * 8);
    bytes.writeUInt32BE(blocksIn(record), 16 + index * 8 + 4);
  }
}

describe('xfsFreeSpace', () => {
  it('keeps a list that fits into memory, with the largest, of one that is badly fragmented', async () => {
    const free = [...(await xfsFreeSpace(fragmented, geometry))];
    const large = (GROUPS * RECORDS) / 100;
    expect(free.length).toBeLessThanOrEqual(MAX_FREE_EXTENTS);
    expect(free.length).toBe(large);
    // Whole blocks of the disk are left of each of them.
    expect(totalBytes(free)).toBeGreaterThan(large * (400 * BLOCK_BYTES - 2 * 65_536));
    expect(free.every(({ offsetBytes }) => offsetBytes % 65_536 === 0)).toBe(true);
    expect(free[0]?.offsetBytes).toBe(Math.ceil((START_BYTES + 10_000 * BLOCK_BYTES) / 65_536) * 65_536);
  });
});
