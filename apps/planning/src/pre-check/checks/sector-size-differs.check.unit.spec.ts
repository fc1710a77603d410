import { describe, expect, it } from 'vitest';
import { exampleBlankDisk, exampleDisk, exampleRequest } from '../example-request.js';
import { sectorSizeDiffers } from './sector-size-differs.check.js';

describe('a partitioned disk with sectors of other than 512 bytes', () => {
  it('is worth a warning', () => {
    const disks = [exampleDisk('D1'), exampleDisk('D2', { logicalSectorBytes: 4096 })];
    expect(sectorSizeDiffers(exampleRequest({ inventory: { disks } }))).toMatchObject([
      { code: 'PRECHECK.SECTOR_SIZE_DIFFERS', severity: 'warning', diskId: 'D2' },
    ]);
  });

  it('is not a disk without a partition table', () => {
    const disks = [exampleBlankDisk('D1', { logicalSectorBytes: 4096 })];
    expect(sectorSizeDiffers(exampleRequest({ inventory: { disks } }))).toEqual([]);
  });
});
