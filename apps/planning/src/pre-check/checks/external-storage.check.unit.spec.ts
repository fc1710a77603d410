import { describe, expect, it } from 'vitest';
import { exampleBlankDisk, exampleDisk, exampleRequest } from '../example-request.js';
import { externalStorage } from './external-storage.check.js';

describe('external storage with a mounted partition', () => {
  it('is migrated, which the operator is told', () => {
    const disks = [exampleDisk('D1'), exampleDisk('D2', { external: true, transport: 'iscsi' })];
    expect(externalStorage(exampleRequest({ inventory: { disks } }))).toMatchObject([
      {
        code: 'PRECHECK.EXTERNAL_STORAGE',
        severity: 'information',
        diskId: 'D2',
        text: expect.stringContaining('iscsi'),
      },
    ]);
  });

  it('is not what external storage without a mount is', () => {
    const disks = [exampleBlankDisk('D1', { external: true })];
    expect(externalStorage(exampleRequest({ inventory: { disks } }))).toEqual([]);
  });
});
