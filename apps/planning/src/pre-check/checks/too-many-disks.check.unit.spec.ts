import { describe, expect, it } from 'vitest';
import { exampleDisk, exampleRequest, exampleRequestedDisk } from '../example-request.js';
import { tooManyDisks } from './too-many-disks.check.js';

const concernsFor = (version: string, sourceDisks: number, targetDisks = sourceDisks, driver = 'sangfor-scp') =>
  tooManyDisks(
    exampleRequest({
      site: { driver, version },
      inventory: { disks: Array.from({ length: sourceDisks }, (_, index) => exampleDisk(`D${index}`)) },
      target: { disks: Array.from({ length: targetDisks }, (_, index) => exampleRequestedDisk(`D${index}`)) },
    }),
  );

describe('the disks of a target VM', () => {
  it.each([
    ['6.11.1', 64],
    ['6.11.0', 16],
    ['6.0.0 R5', 16],
    ['unknown', 16],
  ])('on HCI %j may be %i and no more', (version, maxDisks) => {
    expect(concernsFor(version, maxDisks)).toEqual([]);
    expect(concernsFor(version, maxDisks + 1)).toMatchObject([
      { code: 'PRECHECK.TOO_MANY_DISKS', severity: 'critical', text: expect.stringContaining(`${maxDisks}`) },
    ]);
  });

  it('are counted on both sides', () => {
    expect(concernsFor('6.3.0', 17, 1)).toHaveLength(1);
    expect(concernsFor('6.3.0', 1, 17)).toHaveLength(1);
  });

  it('have no such limit on the local driver', () => {
    expect(concernsFor('local', 65, 65, 'local-process')).toEqual([]);
  });
});
