import { describe, expect, it } from 'vitest';
import { exampleRequest, exampleRequestedDisk, GB } from '../example-request.js';
import { targetDiskTooSmall } from './target-disk-too-small.check.js';

const concernsFor = (sizeBytes: number, sourceDiskId = 'D1') =>
  targetDiskTooSmall(exampleRequest({ target: { disks: [exampleRequestedDisk(sourceDiskId, { sizeBytes })] } }));

describe('a target disk smaller than its source disk', () => {
  it('is refused, by however little', () => {
    expect(concernsFor(100 * GB - 1)).toMatchObject([
      {
        code: 'PRECHECK.TARGET_DISK_TOO_SMALL',
        severity: 'critical',
        diskId: 'D1',
        text: expect.stringContaining('99999999999 bytes'),
      },
    ]);
  });

  it('is no concern from the same size on, and says nothing of unknown disks', () => {
    expect(concernsFor(100 * GB)).toEqual([]);
    expect(concernsFor(101 * GB)).toEqual([]);
    expect(concernsFor(1, 'D9')).toEqual([]);
  });
});
