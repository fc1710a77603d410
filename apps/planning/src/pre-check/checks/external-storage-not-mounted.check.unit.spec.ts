import { describe, expect, it } from 'vitest';
import { exampleBlankDisk, exampleDisk, exampleRequest } from '../example-request.js';
import { externalStorageNotMounted } from './external-storage-not-mounted.check.js';

describe('external storage without a mounted partition', () => {
  it('is worth a warning, as another machine may use it', () => {
    const disks = [exampleBlankDisk('D1', { external: true, transport: 'fc' })];
    expect(externalStorageNotMounted(exampleRequest({ inventory: { disks } }))).toMatchObject([
      { code: 'PRECHECK.EXTERNAL_STORAGE_NOT_MOUNTED', severity: 'warning', diskId: 'D1' },
    ]);
  });

  it('is neither mounted external storage nor a disk of the machine', () => {
    const disks = [exampleDisk('D1', { external: true }), exampleBlankDisk('D2')];
    expect(externalStorageNotMounted(exampleRequest({ inventory: { disks } }))).toEqual([]);
  });
});
