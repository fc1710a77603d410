import { describe, expect, it } from 'vitest';
import { listsWritable } from './mounted-writable.js';

const TABLE = [
  '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro',
  '30 22 8:1 / /boot\\040x rw,relatime shared:2 master:1 - ext4 /dev/sda1 ro,norecovery',
  '31 22 8:2 /sub /mnt ro,relatime - ext4 /dev/sda2 discard,rw',
  '',
].join('\n');

describe('listsWritable', () => {
  it.each([
    ['mounted for writing', '254:0', true],
    ['of which only the mount is for writing', '8:1', false],
    ['of which only the mount is read-only', '8:2', true],
    ['that is not mounted', '54:0', false],
  ])('knows a file system %s', async (_, device, expected) => {
    expect(await listsWritable(TABLE, device)).toBe(expected);
  });
});
