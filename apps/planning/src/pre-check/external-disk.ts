import type { Disk } from '#libs/contracts';

/** External storage (USB or a storage network) of which the machine has something mounted. */
export function isExternalAndMounted(disk: Disk): boolean {
  const fileSystems = [disk.fileSystem, ...disk.partitions.map(({ fileSystem }) => fileSystem)];
  return disk.external && fileSystems.some((fileSystem) => fileSystem !== null && fileSystem.mountPoint !== null);
}
