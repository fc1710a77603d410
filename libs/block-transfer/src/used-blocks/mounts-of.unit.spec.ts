import { describe, expect, it } from 'vitest';
import { mountsOf } from './mounts-of.js';

const TABLE = `22 1 254:0 / / rw,relatime - ext4 /dev/root rw
46 22 7:1 / /mnt/a\\040b ro,relatime shared:1 - xfs /dev/loop1 rw,inode64,noquota
47 22 7:1 /sub /mnt/bind rw - xfs /dev/loop1 rw,inode64
48 22 0:52 / /mnt/tree rw - btrfs /dev/disk/by-label/x ro,subvolid=5
49 22 0:53 / /proc rw - proc proc rw
`;
const numberOf = async (device: string): Promise<string | null> => (device === '/dev/disk/by-label/x' ? '7:2' : null);

describe('mountsOf', () => {
  it('finds all mounts of a device, and tells a read-only file system from a read-only view', async () => {
    const options = ['rw', 'inode64'];
    expect(await mountsOf('7:1', TABLE, numberOf)).toEqual([
      { mountId: 46, mountPoint: '/mnt/a b', type: 'xfs', readOnly: false, options: [...options, 'noquota'] },
      { mountId: 47, mountPoint: '/mnt/bind', type: 'xfs', readOnly: false, options },
    ]);
  });

  it('finds a btrfs, which has a number of its own, by its device', async () => {
    const found = await mountsOf('7:2', TABLE, numberOf);
    expect(found).toMatchObject([{ mountId: 48, mountPoint: '/mnt/tree', type: 'btrfs', readOnly: true }]);
  });

  it('finds nothing of a device that is not mounted', async () => {
    expect(await mountsOf('7:3', TABLE, numberOf)).toEqual([]);
  });
});
