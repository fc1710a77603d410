import type { BlockDevice } from './lsblk.parser.js';

/**
 * Names of devices that call themselves disks but hold nothing of their own: memory (`ram`, `zram`), files (`loop`),
 * volumes inside a ZFS pool (`zd`), raw flash (`mtdblock`), and the boot areas of an eMMC.
 */
const NOT_A_DISK = /^(loop|ram|zram|zd|mtdblock|fd|sr)\d+|^mmcblk\d+(boot\d+|rpmb)/;
const EXTERNAL_TRANSPORTS: ReadonlySet<string> = new Set(['usb', 'sbp', 'iscsi', 'fc', 'fcoe']);
const EXTERNAL_NAME = /^(nbd|rbd)\d+/;

/**
 * The whole disks of a machine that a migration takes along by default (R1): not read-only, not removable, not empty.
 * A disk reached over several paths is one disk, the multipath device above them.
 */
export function eligibleDisks(devices: readonly BlockDevice[]): BlockDevice[] {
  const byKernelName = new Map<string, BlockDevice>();
  for (const device of devices.filter(isEligible)) {
    const disk = multipathAbove(device) ?? device;
    if (!byKernelName.has(disk.kernelName)) byKernelName.set(disk.kernelName, disk);
  }
  return [...byKernelName.values()];
}

function isEligible(device: BlockDevice): boolean {
  return (
    device.type === 'disk' &&
    device.sizeBytes > 0 &&
    !device.readOnly &&
    !device.removable &&
    !NOT_A_DISK.test(device.kernelName)
  );
}

/** The multipath device over a path, with what only the path knows: how it is connected and what it is called. */
function multipathAbove(path: BlockDevice): BlockDevice | null {
  const multipath = path.children.find(({ type }) => type === 'mpath');
  if (multipath === undefined) return null;
  const { transport, scsiAddress, serial, wwn } = path;
  return { ...multipath, transport, scsiAddress, serial: multipath.serial ?? serial, wwn: multipath.wwn ?? wwn };
}

/** Whether a disk is outside the machine: USB, FireWire, or a storage network (R12). */
export function isExternal(device: Pick<BlockDevice, 'transport' | 'kernelName'>): boolean {
  return EXTERNAL_TRANSPORTS.has(device.transport ?? '') || EXTERNAL_NAME.test(device.kernelName);
}
