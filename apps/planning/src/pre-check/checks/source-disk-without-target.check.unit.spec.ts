import { describe, expect, it } from 'vitest';
import { exampleDisk, exampleRequest, exampleRequestedDisk } from '../example-request.js';
import { sourceDiskWithoutTarget } from './source-disk-without-target.check.js';

const inventory = { disks: [exampleDisk('D1'), exampleDisk('D2')] };

describe('a source disk without a target disk', () => {
  it('is refused', () => {
    expect(sourceDiskWithoutTarget(exampleRequest({ inventory }))).toMatchObject([
      { code: 'PRECHECK.SOURCE_DISK_WITHOUT_TARGET', severity: 'critical', diskId: 'D2' },
    ]);
  });

  it('is no concern once it has one', () => {
    const target = { disks: [exampleRequestedDisk('D2'), exampleRequestedDisk('D1')] };
    expect(sourceDiskWithoutTarget(exampleRequest({ inventory, target }))).toEqual([]);
  });
});
