import { describe, expect, it } from 'vitest';
import { mountOf, parseMountTable } from './mount-table.parser.js';

const TABLE = `27 1 254:0 / / rw,relatime - ext4 /dev/root rw
40 27 8:1 /folder /b rw shared:1 master:2 - xfs /dev/sda1 rw
41 27 8:1 / /mnt/longer\\134path\\040here rw shared:1 - xfs /dev/sda1 rw
42 27 8:1 / /mnt/longer-than-the-other-path rw - xfs /dev/sda1 rw
43 27 0:50 /@ /data rw - btrfs /dev/sdb rw
a line of another form
`;

describe('parseMountTable', () => {
  it('reads lines with and without optional fields, and skips what it does not know', () => {
    expect(parseMountTable(TABLE)).toHaveLength(5);
    expect(parseMountTable(TABLE)[2]).toEqual({
      deviceNumber: '8:1',
      root: '/',
      mountPoint: '/mnt/longer\\path here',
      type: 'xfs',
      source: '/dev/sda1',
    });
  });
});

describe('mountOf', () => {
  const mountPointOf = (deviceNumber: string, path: string) =>
    mountOf({ deviceNumber, path }, parseMountTable(TABLE))?.mountPoint;

  it('finds the root file system by its number, whatever its source is called', () => {
    expect(mountPointOf('254:0', '/dev/vda')).toBe('/');
  });

  it('prefers the whole file system to a folder of it, and the shorter path', () => {
    expect(mountPointOf('8:1', '/dev/sda1')).toBe('/mnt/longer\\path here');
  });

  it('finds btrfs by its source', () => {
    expect(mountPointOf('8:16', '/dev/sdb')).toBe('/data');
  });

  it('finds nothing for what is not mounted', () => {
    expect(mountPointOf('8:32', '/dev/sdc')).toBeUndefined();
  });
});
