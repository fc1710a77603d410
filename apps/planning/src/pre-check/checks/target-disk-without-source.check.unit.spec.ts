import { describe, expect, it } from 'vitest';
import { exampleRequest, exampleRequestedDisk } from '../example-request.js';
import { targetDiskWithoutSource } from './target-disk-without-source.check.js';

describe('a target disk for an unknown source disk', () => {
  it('is refused, once per disk', () => {
    const target = { disks: ['D1', 'D9', 'D9'].map((id) => exampleRequestedDisk(id)) };
    expect(targetDiskWithoutSource(exampleRequest({ target }))).toMatchObject([
      { code: 'PRECHECK.TARGET_DISK_WITHOUT_SOURCE', severity: 'critical', diskId: 'D9' },
    ]);
  });

  it('is not what a target disk for a known one is', () => {
    expect(targetDiskWithoutSource(exampleRequest())).toEqual([]);
  });
});
