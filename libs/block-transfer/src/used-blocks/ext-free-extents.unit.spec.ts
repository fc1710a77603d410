import { describe, expect, it } from 'vitest';
import { freeWithin } from './ext-free-extents.js';
import { EXT_SUPERBLOCK_BYTES, parseExtSuperblock } from './ext-superblock.parser.js';

const PLACE = { device: '/dev/sda1', startBytes: 0x100000, sizeBytes: 0x80000 };
const SUPERBLOCK = { fileSystemBytes: 0x70000, doubt: null };

function superblock(fields: { incompat?: number; roCompat?: number; blocks?: number; blocksHigh?: number }): Buffer {
  const bytes = Buffer.alloc(EXT_SUPERBLOCK_BYTES);
  bytes.writeUInt32LE(fields.blocks ?? 100, 0x04);
  bytes.writeUInt32LE(2, 0x18);
  bytes.writeUInt16LE(0xef53, 0x38);
  bytes.writeUInt32LE(fields.incompat ?? 0x2c2, 0x60);
  bytes.writeUInt32LE(fields.roCompat ?? 0x46b, 0x64);
  bytes.writeUInt32LE(fields.blocksHigh ?? 0, 0x150);
  return bytes;
}

describe('parseExtSuperblock', () => {
  it('believes the features of an ordinary ext4, and computes its size', () => {
    expect(parseExtSuperblock(superblock({}))).toEqual({ fileSystemBytes: 409_600, doubt: null });
    const large = parseExtSuperblock(superblock({ blocksHigh: 1 }));
    expect(large.fileSystemBytes).toBe((2 ** 32 + 100) * 4096);
    expect(parseExtSuperblock(superblock({ blocksHigh: 1, incompat: 0x242 })).fileSystemBytes).toBe(409_600);
  });

  it.each([
    ['bigalloc', { roCompat: 0x66b }],
    ['an external journal', { incompat: 0x8 }],
    ['a feature of tomorrow', { incompat: 0x80000000 }],
    ['another feature of tomorrow', { roCompat: 0x80000000 }],
  ])('doubts %s', (_, fields) => {
    expect(parseExtSuperblock(superblock(fields)).doubt).toMatch(/compat 0x/);
  });

  it('refuses anything without the magic number', () => {
    expect(() => parseExtSuperblock(Buffer.alloc(EXT_SUPERBLOCK_BYTES))).toThrow(SyntaxError);
    expect(() => parseExtSuperblock(superblock({}).subarray(0, 100))).toThrow(SyntaxError);
  });
});

describe('freeWithin', () => {
  it('takes only what the map calls free: the head and bytes behind the map are used', () => {
    const text = '0x0 ?\n0x0 0x10000 ?\n0x10000 0x10000 +\n0x20000 0x10000 ?\n0x30000 0x10000 +\n';
    expect(freeWithin(PLACE, SUPERBLOCK, text)).toEqual([
      { offsetBytes: 0x100800, lengthBytes: 0xf800 },
      { offsetBytes: 0x120000, lengthBytes: 0x10000 },
    ]);
  });

  it('has nothing free when everything is used', () => {
    expect(freeWithin(PLACE, SUPERBLOCK, '0x0 ?\n0x0 0x70000 +\n')).toEqual([]);
  });

  it.each([
    ['reaches beyond the file system', '0x0 ?\n0x0 0x70000 +\n0x70000 0x1000 ?\n'],
    ['is damaged', '0x0 ?\n0x0 0x1000 +\n0x5000 0x1000 ?\n'],
  ])('refuses a map that %s', (_, text) => {
    expect(() => freeWithin(PLACE, SUPERBLOCK, text)).toThrow(expect.objectContaining({ code: 'USED_BLOCKS_UNKNOWN' }));
  });
});
