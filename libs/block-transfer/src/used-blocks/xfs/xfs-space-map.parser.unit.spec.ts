import { describe, expect, it } from 'vitest';
import type { ByteRange } from '#libs/contracts';
import { MapDoubt } from '../map-doubt.js';
import { XfsSpaceMapParser } from './xfs-space-map.parser.js';

const TITLE = 'EXT,MAJOR,MINOR,PSTART,PEND,OWNER,OSTART,OEND,LENGTH';
const map = (...rows: string[]) => [TITLE, ...rows];

function freeIn(lines: readonly string[]): ByteRange[] {
  const free: ByteRange[] = [];
  const parser = new XfsSpaceMapParser((offsetBytes, lengthBytes) => free.push({ offsetBytes, lengthBytes }));
  for (const line of lines) parser.line(line);
  parser.end();
  return free;
}

describe('XfsSpaceMapParser', () => {
  it('takes what is free, in units of 512 bytes, and nothing else', () => {
    const lines = map(
      '0,7,1,0,79,special_0:2,,,80',
      '1,7,1,80,127,special_0:1,,,48',
      '2,7,1,128,191,special_88:5,,,64',
      '3,7,1,192,41151,inode_131_data,0,40959,40960',
      '4,7,1,192,199,inode_132_data,0,7,8',
      '5,7,1,41152,41159,special_0:1,,,8',
    );
    expect(freeIn(lines)).toEqual([
      { offsetBytes: 80 * 512, lengthBytes: 48 * 512 },
      { offsetBytes: 41152 * 512, lengthBytes: 8 * 512 },
    ]);
  });

  it.each([
    ['nothing', []],
    ['an answer of another kind', ['0: 7:1 [0..79]: free space 80', '']],
    ['no rows', map()],
    ['a row that is cut off', map('0,7,1,0,79,special_0:1')],
    ['a length that does not fit', map('0,7,1,0,79,special_0:1,,,8')],
    ['rows out of order', map('0,7,1,80,87,special_0:1,,,8', '1,7,1,0,7,special_0:1,,,8')],
  ])('doubts %s', (_name, lines) => {
    expect(() => freeIn(lines)).toThrow(MapDoubt);
  });
});
