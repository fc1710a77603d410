import { describe, expect, it } from 'vitest';
import { exampleRequest } from '../example-request.js';
import { networkStorageNotMigrated } from './network-storage-not-migrated.check.js';

describe('network storage on the source', () => {
  it('is not migrated, and a warning names each mount', () => {
    const networkMounts = [
      { source: 'filer:/home', mountPoint: '/home', type: 'nfs4' },
      { source: '//filer/team', mountPoint: '/mnt/team', type: 'cifs' },
    ];
    expect(networkStorageNotMigrated(exampleRequest({ inventory: { networkMounts } }))).toMatchObject([
      {
        code: 'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED',
        severity: 'warning',
        text: expect.stringContaining('/home (nfs4 from filer:/home), /mnt/team (cifs from //filer/team)'),
      },
    ]);
  });

  it('is no concern where there is none', () => {
    expect(networkStorageNotMigrated(exampleRequest())).toEqual([]);
  });
});
