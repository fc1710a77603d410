import { describe, expect, it } from 'vitest';
import { exampleBlankDisk, exampleDisk, exampleRequest } from '../example-request.js';
import { diskNotExamined } from './disk-not-examined.check.js';

describe('a disk that the agent could not examine', () => {
  it('is refused, with the reason', () => {
    const disks = [exampleDisk('D1'), exampleBlankDisk('D2', { examinationError: 'Input/output error' })];
    expect(diskNotExamined(exampleRequest({ inventory: { disks } }))).toMatchObject([
      {
        code: 'PRECHECK.DISK_NOT_EXAMINED',
        severity: 'critical',
        diskId: 'D2',
        text: expect.stringContaining('Input/output error'),
      },
    ]);
  });
});
