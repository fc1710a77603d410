import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDomainMap } from './domain-map.parser.js';

const HEAD = `# Domain logfile created by partclone.extfs v0.3.23
# Source: /dev/sda1
# Offset: 0x00000000
# current_pos  current_status
0x00064000     ?
#      pos        size  status
`;

describe('parseDomainMap', () => {
  it('reads used and free extents, moved to their place on the disk', () => {
    const text = `${HEAD}0x00000000  0x00010000  +\n0x00010000  0x00050000  ?\n0x00060000  0x00004000  +\n`;
    expect(parseDomainMap(text, 1048576)).toEqual({
      used: [
        { offsetBytes: 1048576, lengthBytes: 0x10000 },
        { offsetBytes: 1048576 + 0x60000, lengthBytes: 0x4000 },
      ],
      free: [{ offsetBytes: 1048576 + 0x10000, lengthBytes: 0x50000 }],
    });
  });

  it('gives back any sequence of rows', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.constantFrom('+', '?')), { minLength: 1 });
    fc.assert(
      fc.property(rows, fc.nat(), (given, offset) => {
        let position = 0;
        const bytes = { '+': 0, '?': 0 } as Record<string, number>;
        const lines = given.map(([size, status]) => {
          const line = `0x${position.toString(16)}  0x${size.toString(16).toUpperCase()}  ${status}`;
          position += size;
          bytes[status] = (bytes[status] ?? 0) + size;
          return line;
        });
        const map = parseDomainMap(HEAD + lines.join('\n'), offset);
        const sum = (list: { lengthBytes: number }[]): number =>
          list.reduce((total, one) => total + one.lengthBytes, 0);
        expect(sum(map.used)).toBe(bytes['+']);
        expect(sum(map.free)).toBe(bytes['?']);
      }),
    );
  });

  it.each([
    ['an empty file', ''],
    ['a head without rows', HEAD],
    ['a gap', `${HEAD}0x0 0x1000 +\n0x2000 0x1000 ?\n`],
    ['an overlap', `${HEAD}0x0 0x2000 +\n0x1000 0x1000 ?\n`],
    ['a late beginning', `${HEAD}0x1000 0x1000 +\n`],
    ['an unknown status', `${HEAD}0x0 0x1000 *\n`],
    ['a row that was cut', `${HEAD}0x0 0x1000 +\n0x1000 0x10`],
    ['words', `${HEAD}Segmentation fault\n`],
  ])('refuses %s', (_, text) => {
    expect(() => parseDomainMap(text, 0)).toThrow(SyntaxError);
  });
});
