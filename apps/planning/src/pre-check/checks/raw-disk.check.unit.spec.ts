import { describe, expect, it } from 'vitest';
import type { Disk } from '#libs/contracts';
import { exampleBlankDisk, exampleDisk, exampleFileSystem, exampleRequest } from '../example-request.js';
import { rawDisk } from './raw-disk.check.js';

const concernsFor = (disk: Disk, copyRawDisks = false) =>
  rawDisk(exampleRequest({ inventory: { disks: [disk] }, copyRawDisks }));

describe('a disk without partitions and file system', () => {
  it('is refused by default', () => {
    expect(concernsFor(exampleBlankDisk())).toMatchObject([
      { code: 'PRECHECK.RAW_DISK', severity: 'critical', diskId: 'D1' },
    ]);
  });

  it('is copied when the operator asks for it', () => {
    expect(concernsFor(exampleBlankDisk(), true)).toMatchObject([
      { code: 'PRECHECK.RAW_DISK', severity: 'information', diskId: 'D1' },
    ]);
  });

  it('may have an empty partition table', () => {
    expect(concernsFor(exampleBlankDisk('D1', { partitionTable: 'gpt' }))).toMatchObject([{ severity: 'critical' }]);
  });

  it('is neither a partitioned disk, nor one with a file system, nor one that could not be examined', () => {
    expect(concernsFor(exampleDisk())).toEqual([]);
    expect(concernsFor(exampleBlankDisk('D1', { fileSystem: exampleFileSystem() }))).toEqual([]);
    expect(concernsFor(exampleBlankDisk('D1', { examinationError: 'Input/output error' }))).toEqual([]);
  });
});
