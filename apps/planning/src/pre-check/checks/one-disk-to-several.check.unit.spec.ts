import { describe, expect, it } from 'vitest';
import { exampleRequest, exampleRequestedDisk } from '../example-request.js';
import { oneDiskToSeveral } from './one-disk-to-several.check.js';

const concernsFor = (...diskIds: string[]) =>
  oneDiskToSeveral(exampleRequest({ target: { disks: diskIds.map((diskId) => exampleRequestedDisk(diskId)) } }));

describe('one source disk to several target disks', () => {
  it('is refused, once per source disk', () => {
    expect(concernsFor('D1', 'D2', 'D1', 'D1')).toMatchObject([
      {
        code: 'PRECHECK.ONE_DISK_TO_SEVERAL',
        severity: 'critical',
        diskId: 'D1',
        text: expect.stringContaining('3 disks'),
      },
    ]);
  });

  it('is not what one to one is', () => {
    expect(concernsFor('D1', 'D2')).toEqual([]);
  });
});
