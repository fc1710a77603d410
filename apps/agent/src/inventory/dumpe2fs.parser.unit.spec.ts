import { describe, expect, it } from 'vitest';
import { parseDumpe2fs } from './dumpe2fs.parser.js';

const SUPERBLOCK = [
  'Filesystem volume name:   data',
  'Block count:              61440',
  'Reserved block count:     3072',
  'Free blocks:              52183',
  'Block size:               1024',
  'Inode size:	          256',
].join('\n');

describe('parseDumpe2fs', () => {
  it('counts used blocks in bytes', () => {
    expect(parseDumpe2fs(SUPERBLOCK)).toEqual({ sizeBytes: 62_914_560, usedBytes: 9_479_168 });
  });

  it.each(['Free blocks', 'Block size', 'Block count'])('does not know without %s', (name) => {
    expect(parseDumpe2fs(SUPERBLOCK.replace(`\n${name}`, '\nNothing'))).toBeNull();
  });

  it('does not believe more free blocks than there are', () => {
    expect(parseDumpe2fs(SUPERBLOCK.replace('52183', '61441'))).toBeNull();
  });
});
