import type { NetworkMount } from '#libs/contracts';
import type { Mount } from './mount-table.parser.js';

/** The contract's limit; a machine with more has the first ones named. */
const NETWORK_MOUNTS_MAX = 1024;

/** File systems whose bytes are not on a disk of this machine: network file storage and folders of a hypervisor's host. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<string> = new Set([
  ...['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', 'ncpfs', 'afs', 'coda'],
  ...['ceph', 'glusterfs', 'lustre', 'beegfs', 'gpfs', 'orangefs', 'davfs'],
  ...['9p', 'virtiofs', 'vboxsf', 'vmhgfs'],
]);
const NETWORK_FUSE_FILE_SYSTEMS: ReadonlySet<string> = new Set(
  ['sshfs', 'glusterfs', 'ceph', 'ceph-fuse', 's3fs', 'rclone', 'davfs', 'moosefs', 'vmhgfs-fuse'].map(
    (name) => `fuse.${name}`,
  ),
);

/** The mounts that a copy of the disks does not contain (R13). */
export function networkMountsIn(mounts: readonly Mount[]): NetworkMount[] {
  return mounts
    .filter(({ type }) => NETWORK_FILE_SYSTEMS.has(type) || NETWORK_FUSE_FILE_SYSTEMS.has(type))
    .slice(0, NETWORK_MOUNTS_MAX)
    .map(({ source, mountPoint, type }) => ({ source, mountPoint, type }));
}
