import { describe, expect, it } from 'vitest';
import { exampleDisk, exampleRequest, exampleRequestedDisk, TB } from '../example-request.js';
import { thinAllocationAbove16Tb } from './thin-allocation-above-16-tb.check.js';

const concernsFor = (sizeBytes: number) =>
  thinAllocationAbove16Tb(
    exampleRequest({
      inventory: { disks: [exampleDisk('D1', { sizeBytes, allocation: 'dynamic' })] },
      target: { disks: [exampleRequestedDisk('D1', { sizeBytes, allocation: 'dynamic' })] },
    }),
  );

describe('a dynamically allocated disk above 16 TB', () => {
  it('becomes thin, with a warning that says how large it is', () => {
    expect(concernsFor(16 * TB + 1)).toMatchObject([
      {
        code: 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB',
        severity: 'warning',
        diskId: 'D1',
        text: expect.stringContaining('16000000000001 bytes'),
      },
    ]);
  });

  it('is no concern up to 16 TB', () => {
    expect(concernsFor(16 * TB)).toEqual([]);
  });
});
