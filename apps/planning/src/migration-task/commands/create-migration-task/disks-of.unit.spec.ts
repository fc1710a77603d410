import { expect, it } from 'vitest';
import type { MachineInventory } from '#libs/contracts';
import { disksOf } from './disks-of.js';

const inventory = {
  disks: ['a', 'b', 'c'].map((diskId) => ({ diskId, device: `/dev/${diskId}`, sizeBytes: 1 })),
} as unknown as MachineInventory;
const turnsOf = (diskIds?: string[]): [string, number | undefined][] =>
  disksOf({ diskIds }, { inventory }).map(({ diskId, turn }) => [diskId, turn]);

it('disks have their turn in the order in which they were named, and none otherwise', () => {
  expect(turnsOf(['c', 'a', 'b'])).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 0],
  ]);
  expect(turnsOf()).toEqual([
    ['a', undefined],
    ['b', undefined],
    ['c', undefined],
  ]);
});
