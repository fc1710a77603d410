import { describe, expect, it } from 'vitest';
import { parseBlkid } from './blkid.parser.js';

const outcome = (exitCode: number, stdout = '', stderr = '') => ({ exitCode, stdout, stderr });

describe('parseBlkid', () => {
  it('reads a file system, blanks in its label included', () => {
    const tags = 'DEVNAME=/dev/sda1\nLABEL=my\\ data\nUUID=b7ba\nVERSION=1.0\nTYPE=ext4\nUSAGE=filesystem\n';
    expect(parseBlkid(outcome(0, tags))).toEqual({
      kind: 'found',
      type: 'ext4',
      uuid: 'b7ba',
      label: 'my data',
      partitionTable: null,
      partitionTableId: null,
    });
  });

  it('reads a partition table', () => {
    expect(parseBlkid(outcome(0, 'DEVNAME=/dev/sda\nPTUUID=6bae\nPTTYPE=dos\n'))).toMatchObject({
      type: null,
      partitionTable: 'dos',
      partitionTableId: '6bae',
    });
  });

  it('finds nothing in a partition that has only an entry in the table', () => {
    const tags = 'DEVNAME=/dev/sda3\nPART_ENTRY_SCHEME=gpt\nPART_ENTRY_NUMBER=3\n';
    expect(parseBlkid(outcome(0, tags))).toEqual({ kind: 'nothing' });
  });

  it('tells nothing found from not readable, which have the same exit code', () => {
    expect(parseBlkid(outcome(2))).toEqual({ kind: 'nothing' });
    expect(parseBlkid(outcome(2, '', 'blkid: error: /dev/sda: Input/output error\n'))).toEqual({
      kind: 'unreadable',
      reason: 'blkid: error: /dev/sda: Input/output error',
    });
    expect(parseBlkid(outcome(4))).toEqual({ kind: 'unreadable', reason: 'blkid ended with 4' });
  });

  it('does not choose between several file systems', () => {
    expect(parseBlkid(outcome(8, '', 'ambivalent result'))).toEqual({ kind: 'ambiguous' });
  });
});
