import type { Disk, MachineInventory, TargetSpecification, TargetWishes } from '#libs/contracts';

/** A target disk for a source disk, when the operator left it out: the same size, allocated as the source's is. */
const diskLike = ({ diskId, sizeBytes, allocation }: Disk): TargetSpecification['disks'][number] => ({
  sourceDiskId: diskId,
  sizeBytes,
  allocation: allocation === 'dynamic' ? 'dynamic' : 'thin',
});

/** Completes what the operator asked for with what the source machine is like. */
export const targetOf = (inventory: MachineInventory, wishes: TargetWishes): TargetSpecification => ({
  cpuCount: wishes.cpuCount ?? inventory.cpuCount,
  memoryBytes: wishes.memoryBytes ?? inventory.memoryBytes,
  firmware: wishes.firmware ?? (inventory.firmware === 'uefi' ? 'uefi' : 'bios'),
  provisioning: wishes.provisioning ?? 'automatic',
  disks: wishes.disks ?? inventory.disks.map(diskLike),
});
