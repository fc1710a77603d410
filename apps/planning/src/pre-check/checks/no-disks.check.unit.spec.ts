import { describe, expect, it } from 'vitest';
import { exampleRequest } from '../example-request.js';
import { noDisks } from './no-disks.check.js';

describe('a source without disks', () => {
  it('is refused', () => {
    expect(noDisks(exampleRequest({ inventory: { disks: [] } }))).toMatchObject([
      { code: 'PRECHECK.NO_DISKS', severity: 'critical' },
    ]);
  });

  it('is not what a machine with a disk is', () => {
    expect(noDisks(exampleRequest())).toEqual([]);
  });
});
