import { describe, expect, it } from 'vitest';
import type { Disk, Partition } from '#libs/contracts';
import { whyDoubtful } from './doubtful-partition.decision.js';

const partition = (number: number, startBytes: number, endBytes: number, typeId = '83'): Partition => ({
  ...{ number, device: `/dev/sda${number}`, startBytes, sizeBytes: endBytes - startBytes, typeId },
  fileSystem: null,
});

function doubtsOn(...partitions: Partition[]): (string | null)[] {
  const disk: Disk = {
    ...{ diskId: 'd', device: '/dev/sda', sizeBytes: 1000, logicalSectorBytes: 512, transport: null, external: false },
    ...{ allocation: 'unknown', partitionTable: 'mbr', partitions, fileSystem: null },
  };
  return partitions.map((one) => whyDoubtful(one, disk));
}

describe('whyDoubtful', () => {
  it('is null for partitions beside each other, in any order, up to the end of the disk', () => {
    expect(doubtsOn(partition(1, 500, 1000), partition(2, 100, 500))).toEqual([null, null]);
  });

  it('is null for logical partitions, which lie in the extended one', () => {
    for (const type of ['5', 'f', '85']) {
      const all = [
        partition(1, 100, 200),
        partition(2, 200, 900, type),
        partition(5, 300, 500),
        partition(6, 510, 900),
      ];
      expect(doubtsOn(...all)).toEqual([null, 'it is an extended partition', null, null]);
    }
  });

  it('is said of all that overlap', () => {
    const ofEachOther = ['it overlaps /dev/sda2', 'it overlaps /dev/sda1', null];
    expect(doubtsOn(partition(1, 100, 300), partition(2, 299, 400), partition(3, 400, 500))).toEqual(ofEachOther);
    expect(doubtsOn(partition(1, 100, 300), partition(2, 100, 300), partition(3, 400, 500))).toEqual(ofEachOther);
    expect(doubtsOn(partition(1, 100, 300), partition(2, 150, 200, 'ee'))).toEqual(ofEachOther.slice(0, 2));
  });

  it('is said of what sticks out of an extended partition, or begins with it', () => {
    const extended = partition(2, 200, 900, '5');
    expect(doubtsOn(extended, partition(5, 850, 950))[1]).toBe('it overlaps /dev/sda2');
    expect(doubtsOn(extended, partition(5, 200, 250))[1]).toBe('it overlaps /dev/sda2');
  });

  it.each(['42', 'AF9B60A0-1431-4F62-BC68-3311714A69AD'])('is said of a dynamic disk of Windows, type %s', (type) => {
    const dynamic = 'it belongs to a dynamic disk of Windows';
    expect(doubtsOn(partition(1, 100, 1000, type), partition(2, 0, 100))).toEqual([dynamic, null]);
  });

  it('is said of what reaches beyond the end of the disk, or lies there', () => {
    const beyond = 'it reaches beyond the end of /dev/sda';
    expect(doubtsOn(partition(1, 100, 1001), partition(2, 2000, 3000))).toEqual([beyond, beyond]);
  });
});
