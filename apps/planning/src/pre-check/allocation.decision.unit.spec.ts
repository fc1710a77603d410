import { describe, expect, it } from 'vitest';
import { applyDecisions, decideAllocations } from './allocation.decision.js';
import { exampleDisk, exampleRequest, exampleRequestedDisk, TB } from './example-request.js';

type Allocation = 'thin' | 'dynamic' | 'preallocated';
type SourceAllocation = 'fixed' | 'dynamic' | 'unknown';

const decided = (source: SourceAllocation, allocation: Allocation, sourceBytes: number, targetBytes = sourceBytes) =>
  decideAllocations(
    exampleRequest({
      inventory: { disks: [exampleDisk('D1', { sizeBytes: sourceBytes, allocation: source })] },
      target: { disks: [exampleRequestedDisk('D1', { sizeBytes: targetBytes, allocation })] },
    }),
  );

describe('decideAllocations', () => {
  it('makes a dynamic disk above 16 TB thin, and records what was asked for', () => {
    expect(decided('unknown', 'dynamic', 16 * TB + 512)).toEqual([
      {
        code: 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB',
        text: 'Disk D1 (16 TB) is allocated thin, not dynamic.',
        diskId: 'D1',
        requested: 'dynamic',
        allocation: 'thin',
        sizeBytes: 16 * TB + 512,
      },
    ]);
  });

  it('leaves a disk of exactly 16 TB, which is 16 x 10^12 bytes', () => {
    expect(decided('dynamic', 'dynamic', 16 * TB)).toEqual([]);
  });

  it.each([
    ['dynamic', 'preallocated', 1],
    ['dynamic', 'dynamic', 1],
    ['fixed', 'dynamic', 1],
    ['fixed', 'preallocated', 0],
    ['unknown', 'preallocated', 0],
    ['dynamic', 'thin', 0],
  ] as const)('a %s source to a %s target of 17 TB: %i decision(s)', (source, allocation, count) => {
    expect(decided(source, allocation, 17 * TB)).toHaveLength(count);
  });

  it('counts the larger of both disks', () => {
    expect(decided('unknown', 'dynamic', 15 * TB, 17 * TB)).toMatchObject([{ sizeBytes: 17 * TB }]);
    expect(decided('unknown', 'dynamic', 17 * TB, 15 * TB)).toMatchObject([{ sizeBytes: 17 * TB }]);
  });

  it('counts disk by disk, not their sum', () => {
    const ids = ['D1', 'D2', 'D3'];
    const disks = ids.map((id) => exampleDisk(id, { sizeBytes: 10 * TB, allocation: 'dynamic' }));
    const requested = ids.map((id) => exampleRequestedDisk(id, { sizeBytes: 10 * TB, allocation: 'dynamic' }));
    expect(decideAllocations(exampleRequest({ inventory: { disks }, target: { disks: requested } }))).toEqual([]);
  });
});

describe('applyDecisions', () => {
  it('changes the allocation of the disks that were decided on, and nothing else', () => {
    const small = exampleRequestedDisk('D1', { allocation: 'dynamic' });
    const large = exampleRequestedDisk('D2', { allocation: 'dynamic', sizeBytes: 17 * TB });
    const decisions = decideAllocations(exampleRequest({ target: { disks: [small, large] } }));
    expect(applyDecisions([small, large], decisions)).toEqual([small, { ...large, allocation: 'thin' }]);
  });
});
