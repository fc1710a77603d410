import { describe, expect, it } from 'vitest';
import { GB, exampleDisk, exampleRequest } from '../../../pre-check/example-request.js';
import { targetOf } from './target-of.js';

const { inventory } = exampleRequest({
  inventory: {
    cpuCount: 6,
    memoryBytes: 12 * GB,
    firmware: 'uefi',
    disks: [exampleDisk('D1', { allocation: 'dynamic' }), exampleDisk('D2', { allocation: 'fixed' })],
  },
});
const likeTheSource = {
  cpuCount: 6,
  memoryBytes: 12 * GB,
  firmware: 'uefi',
  provisioning: 'automatic',
  disks: [
    { sourceDiskId: 'D1', sizeBytes: 100 * GB, allocation: 'dynamic' },
    { sourceDiskId: 'D2', sizeBytes: 100 * GB, allocation: 'thin' },
  ],
};

describe('the target of an order', () => {
  it('is like the source where the operator wished for nothing', () => {
    expect(targetOf(inventory, {})).toEqual(likeTheSource);
  });

  it.each([
    { cpuCount: 1 },
    { memoryBytes: 2 * GB },
    { firmware: 'bios' },
    { provisioning: 'manual' },
    { disks: [{ sourceDiskId: 'D2', sizeBytes: 200 * GB, allocation: 'preallocated' }] },
    { disks: [] },
  ] as const)('is what the operator wished for: %j', (wish) => {
    const wishes = 'disks' in wish ? { disks: [...wish.disks] } : wish;
    expect(targetOf(inventory, wishes)).toEqual({ ...likeTheSource, ...wish });
  });

  it('boots by BIOS when nobody knows how the source does', () => {
    expect(targetOf({ ...inventory, firmware: 'unknown' }, {}).firmware).toBe('bios');
    expect(targetOf({ ...inventory, firmware: 'bios' }, {}).firmware).toBe('bios');
  });
});
