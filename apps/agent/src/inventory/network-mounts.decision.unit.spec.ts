import { describe, expect, it } from 'vitest';
import { networkMountsIn } from './network-mounts.decision.js';

const mount = (type: string, mountPoint = '/mnt') => ({
  type,
  mountPoint,
  source: 'filer:/a',
  root: '/',
  deviceNumber: '0:9',
});

describe('networkMountsIn', () => {
  it.each(['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'glusterfs', 'fuse.sshfs', '9p', 'virtiofs'])('names %s', (type) => {
    expect(networkMountsIn([mount(type)])).toEqual([{ source: 'filer:/a', mountPoint: '/mnt', type }]);
  });

  it.each(['ext4', 'tmpfs', 'autofs', 'overlay', 'fuse.lxcfs', 'fuseblk', 'nfsd'])('does not name %s', (type) => {
    expect(networkMountsIn([mount(type)])).toEqual([]);
  });

  it('names no more than an inventory may hold', () => {
    const many = Array.from({ length: 2000 }, (_, index) => mount('nfs', `/mnt/${index}`));
    expect(networkMountsIn(many)).toHaveLength(1024);
  });
});
