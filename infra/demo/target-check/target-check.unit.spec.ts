import { describe, expect, it } from 'vitest';
import { differencesOf } from './compare-trees.js';
import { usedExtents } from './used-blocks-of-ext4.js';

describe('used blocks from what dumpe2fs says', () => {
  const dump = (groups: readonly string[]) =>
    [
      'Block count:              100',
      'Free blocks:              50',
      'First block:              1',
      'Block size:               1024',
      ...groups.map((list, at) => `Group ${at}: (Blocks 1-50)\n  Free blocks: ${list}\n  Free inodes: 12-16`),
    ].join('\n');

  it('are what lies between the free ones, as ranges of the disk', () => {
    expect(usedExtents(dump(['10-19, 25', '', '60-99']), 4096)).toEqual([
      { offsetBytes: 4096 + 1024, lengthBytes: 9 * 1024 },
      { offsetBytes: 4096 + 20 * 1024, lengthBytes: 5 * 1024 },
      { offsetBytes: 4096 + 26 * 1024, lengthBytes: 34 * 1024 },
    ]);
  });

  it('are all blocks of a full file system, and reach to its end', () => {
    expect(usedExtents(dump(['', '']), 0)).toEqual([{ offsetBytes: 1024, lengthBytes: 99 * 1024 }]);
    expect(usedExtents(dump(['1-98']), 0)).toEqual([{ offsetBytes: 99 * 1024, lengthBytes: 1024 }]);
  });

  it('are not guessed', () => {
    expect(() => usedExtents('Journal superblock magic number invalid!', 0)).toThrow('Block size');
  });
});

describe('differences between trees', () => {
  const file = { mode: '100644', bytes: '3', sha256: 'aa' };

  it('are missing, extra and changed entries, each with what differs', () => {
    const source = new Map([
      ['same', file],
      ['gone', file],
      ['changed', file],
    ]);
    const target = new Map<string, Record<string, string>>([
      ['same', file],
      ['new', file],
      ['changed', { mode: '120777', linkTarget: 'x' }],
    ]);
    expect(differencesOf(source, target)).toEqual([
      'changed: mode 100644 / 120777',
      'changed: bytes 3 / -',
      'changed: sha256 aa / -',
      'changed: linkTarget - / x',
      'gone: missing on the target',
      'new: only on the target',
    ]);
    expect(differencesOf(source, source)).toEqual([]);
  });
});
