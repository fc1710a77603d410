import * as z from 'zod';
import { bytes } from './quantities.js';

/** A file system as the operating system sees it. `usedBytes` is null when nothing on the machine can tell. */
export const fileSystem = z.object({
  type: z.string().min(1),
  uuid: z.string().nullable(),
  label: z.string().nullable(),
  sizeBytes: bytes,
  usedBytes: bytes.nullable(),
  mountPoint: z.string().nullable(),
});
export type FileSystem = z.infer<typeof fileSystem>;

export const partition = z.object({
  number: z.number().int().positive(),
  device: z.string().min(1),
  startBytes: bytes,
  sizeBytes: bytes,
  /** GPT type GUID or MBR type byte in hexadecimal. */
  typeId: z.string(),
  fileSystem: fileSystem.nullable(),
});
export type Partition = z.infer<typeof partition>;

/** Types of MBR partitions that hold the logical ones, as `sfdisk` prints them: CHS, LBA, Linux. */
export const MBR_EXTENDED_TYPES: ReadonlySet<string> = new Set(['5', 'f', '85']);

/** A device that is made of disks or partitions and holds a file system: a logical volume, an array, an opened LUKS. */
export const volume = z.object({ device: z.string().min(1), fileSystem });
export type Volume = z.infer<typeof volume>;

/**
 * One block device of the source machine.
 * `diskId` is stable across restarts: serial number, WWN, or, where a device has neither, the id of its
 * partition table or of what is on the whole of it; of a disk with nothing on it, its kernel name.
 * `allocation` is what the hypervisor below promises; `dynamic` disks become thin above 16 TB (R10).
 */
export const disk = z.object({
  diskId: z.string().min(1).max(200),
  device: z.string().min(1),
  sizeBytes: bytes,
  logicalSectorBytes: z.number().int().positive(),
  transport: z.string().nullable(),
  external: z.boolean(),
  allocation: z.enum(['fixed', 'dynamic', 'unknown']),
  partitionTable: z.enum(['gpt', 'mbr', 'none']),
  partitions: z.array(partition).max(256),
  /** A file system directly on the disk, without a partition table. */
  fileSystem: fileSystem.nullable(),
  /** File systems on devices that are made of this disk; one that spans several disks is listed with each. */
  volumes: z.array(volume).max(256).optional(),
  /** Present when the agent could not examine the disk (not readable, contradicting signatures), and says why. */
  examinationError: z.string().min(1).max(500).optional(),
});
export type Disk = z.infer<typeof disk>;

export const networkMount = z.object({ source: z.string(), mountPoint: z.string(), type: z.string() });
export type NetworkMount = z.infer<typeof networkMount>;

/** What an agent reports of its machine. Sizes in bytes. */
export const machineInventory = z.object({
  hostname: z.string().min(1).max(255),
  operatingSystem: z.object({
    name: z.string(),
    version: z.string(),
    kernel: z.string(),
    architecture: z.enum(['x86_64', 'aarch64', 'other']),
  }),
  firmware: z.enum(['bios', 'uefi', 'unknown']),
  cpuCount: z.number().int().positive(),
  memoryBytes: bytes,
  memoryFreeBytes: bytes,
  disks: z.array(disk).max(256),
  networkMounts: z.array(networkMount).max(1024),
});
export type MachineInventory = z.infer<typeof machineInventory>;
