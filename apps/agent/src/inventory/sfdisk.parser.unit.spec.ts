import { describe, expect, it } from 'vitest';
import { parseSfdisk, partitionNumber } from './sfdisk.parser.js';

const table = (more: object) => JSON.stringify({ partitiontable: { label: 'gpt', unit: 'sectors', ...more } });
const partitions = [{ node: '/dev/sda3', start: 8, size: 16, type: '83' }];

describe('parseSfdisk', () => {
  it('counts in the sectors the table is printed in', () => {
    expect(parseSfdisk(table({ sectorsize: 4096, partitions }), 512)).toEqual([
      { number: 3, node: '/dev/sda3', startBytes: 8 * 4096, sizeBytes: 16 * 4096, typeId: '83' },
    ]);
  });

  it("counts in the disk's sectors where they are not printed", () => {
    expect(parseSfdisk(table({ partitions }), 512)[0]).toMatchObject({ startBytes: 4096, sizeBytes: 8192 });
  });

  it('finds no partitions in an empty table', () => {
    expect(parseSfdisk(table({}), 512)).toEqual([]);
  });

  it('refuses another unit', () => {
    expect(() => parseSfdisk(JSON.stringify({ partitiontable: { unit: 'cylinders' } }), 512)).toThrow(
      expect.objectContaining({ code: 'INVENTORY.TOOL_OUTPUT_UNREADABLE' }),
    );
  });
});

describe('partitionNumber', () => {
  it.each([
    ['/dev/sda2', 2],
    ['/dev/sdab15', 15],
    ['/dev/nvme0n1p3', 3],
    ['/dev/loop0p1', 1],
    ['/dev/mapper/mpatha-part2', 2],
  ])('of %s is %i', (node, number) => {
    expect(partitionNumber(node)).toBe(number);
  });
});
