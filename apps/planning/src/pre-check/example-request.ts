import type { Disk, FileSystem, MachineInventory } from '#libs/contracts';
import type { PreCheckInput, RequestedDisk } from './pre-check-input.js';

/** Inputs for the tests of the pre-checks: a request without any concern, and ways to depart from it. */

export const TB = 10 ** 12;
export const GB = 10 ** 9;

export const exampleFileSystem = (more: Partial<FileSystem> = {}): FileSystem => ({
  type: 'ext4',
  uuid: null,
  label: null,
  sizeBytes: 99 * GB,
  usedBytes: 50 * GB,
  mountPoint: '/',
  ...more,
});

/** A disk of 100 GB with one mounted partition. */
export const exampleDisk = (diskId = 'D1', more: Partial<Disk> = {}): Disk => ({
  diskId,
  device: `/dev/${diskId.toLowerCase()}`,
  sizeBytes: 100 * GB,
  logicalSectorBytes: 512,
  transport: null,
  external: false,
  allocation: 'unknown',
  partitionTable: 'gpt',
  partitions: [
    {
      number: 1,
      device: `/dev/${diskId.toLowerCase()}1`,
      startBytes: 1_048_576,
      sizeBytes: 99 * GB,
      typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
      fileSystem: exampleFileSystem(),
    },
  ],
  fileSystem: null,
  ...more,
});

/** A disk without anything on it that is known. */
export const exampleBlankDisk = (diskId = 'D1', more: Partial<Disk> = {}): Disk =>
  exampleDisk(diskId, { partitionTable: 'none', partitions: [], ...more });

export const exampleRequestedDisk = (sourceDiskId = 'D1', more: Partial<RequestedDisk> = {}): RequestedDisk => ({
  sourceDiskId,
  sizeBytes: 100 * GB,
  allocation: 'preallocated',
  ...more,
});

export interface Departures {
  readonly inventory?: Partial<MachineInventory>;
  readonly architecture?: MachineInventory['operatingSystem']['architecture'];
  readonly site?: Partial<PreCheckInput['site']>;
  readonly target?: Partial<PreCheckInput['target']>;
  readonly copyRawDisks?: boolean;
}

/** A request that every pre-check passes, except for what departs from it. */
export const exampleRequest = (departures: Departures = {}): PreCheckInput => {
  const { inventory, architecture = 'x86_64', site, target, copyRawDisks = false } = departures;
  return {
    inventory: {
      hostname: 'web1',
      operatingSystem: { name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0', architecture },
      firmware: 'bios',
      cpuCount: 2,
      memoryBytes: 8 * GB,
      memoryFreeBytes: 4 * GB,
      disks: [exampleDisk()],
      networkMounts: [],
      ...inventory,
    },
    site: { driver: 'sangfor-scp', version: '6.11.1', ...site },
    target: {
      cpuCount: 2,
      memoryBytes: 8 * GB,
      firmware: 'bios',
      provisioning: 'automatic',
      disks: [exampleRequestedDisk()],
      ...target,
    },
    options: { copyRawDisks },
  };
};
