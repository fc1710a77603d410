import { MBR_EXTENDED_TYPES, type Disk, type FileSystem, type Partition, type Volume } from '#libs/contracts';
import { parseBlkid, type Signature } from './blkid.parser.js';
import { isExternal } from './eligible-disks.decision.js';
import { measureFileSystem, type FileSystemPlace } from './file-system-space.js';
import { InventoryError } from './inventory.errors.js';
import type { BlockDevice } from './lsblk.parser.js';
import type { MachineView } from './machine-view.js';
import { mountOf, type Mount } from './mount-table.parser.js';
import { parseSfdisk, partitionNumber, type PartitionEntry } from './sfdisk.parser.js';

const EXAMINATION_ERROR_MAX_CHARACTERS = 500;
/** Disks behind these may be thin below, or only say so because they understand TRIM. */
const TRANSPORTS_WITH_TRIM: ReadonlySet<string> = new Set(['sata', 'ata', 'usb']);

/** The contract's limit. */
const VOLUMES_MAX = 256;

const NO_TABLE = { partitionTable: null, partitionTableId: null };

/** A disk but for its id, and what on the disk itself tells it from others. */
export interface ExaminedDisk {
  readonly disk: Omit<Disk, 'diskId'>;
  /** Of its partition table, else of what is on the whole of it. */
  readonly contentId: string | null;
}

type Content = Pick<Disk, 'partitionTable' | 'partitions' | 'fileSystem' | 'examinationError'>;

/**
 * What is on a disk: its partition table, partitions and file systems. A disk that cannot be read is reported with
 * `examinationError` and what the mount table knows; it never ends the inventory of the others.
 */
export async function examineDisk(
  machine: MachineView,
  device: BlockDevice,
  mounts: readonly Mount[],
): Promise<ExaminedDisk> {
  const signature = await probe(machine, [device.path]);
  const disk = {
    ...factsOf(device),
    allocation: await allocationOf(machine, device),
    ...(await contentOf(machine, device, signature, mounts)),
    ...(await volumesOn(machine, device, mounts)),
  };
  return { disk, contentId: signature.kind === 'found' ? (signature.partitionTableId ?? signature.uuid) : null };
}

/** One of which nothing can be said but why. */
export function unexaminedDisk(device: BlockDevice, reason: string): ExaminedDisk {
  return { disk: { ...factsOf(device), allocation: 'unknown', ...unexamined(reason, null) }, contentId: null };
}

function factsOf(
  device: BlockDevice,
): Pick<Disk, 'device' | 'sizeBytes' | 'logicalSectorBytes' | 'transport' | 'external'> {
  const { path, sizeBytes, logicalSectorBytes, transport } = device;
  return { device: path, sizeBytes, logicalSectorBytes, transport, external: isExternal(device) };
}

/** File systems on what lies above the disk and its partitions: logical volumes, arrays, opened LUKS containers. */
async function volumesOn(
  machine: MachineView,
  disk: BlockDevice,
  mounts: readonly Mount[],
): Promise<Pick<Disk, 'volumes'>> {
  const volumes = new Map<string, Volume>();
  const above = (device: BlockDevice): BlockDevice[] =>
    device.children.flatMap((child) => [...(child.type === 'part' ? [] : [child]), ...above(child)]);
  for (const device of above(disk).slice(0, VOLUMES_MAX)) {
    const place: FileSystemPlace = { path: device.path, sizeBytes: device.sizeBytes, mount: mountOf(device, mounts) };
    const { fileSystemType: type, uuid, label } = device;
    // What udev did not record is known from its mount, or not mounted and of no concern here.
    const fileSystem =
      type === null
        ? await fileSystemFromMount(machine, place)
        : await fileSystemIn(machine, { kind: 'found', type, uuid, label, ...NO_TABLE }, place);
    if (fileSystem !== null) volumes.set(device.path, { device: device.path, fileSystem });
  }
  return volumes.size === 0 ? {} : { volumes: [...volumes.values()] };
}

async function contentOf(
  machine: MachineView,
  device: BlockDevice,
  signature: Signature,
  mounts: readonly Mount[],
): Promise<Content> {
  const place: FileSystemPlace = {
    path: device.path,
    sizeBytes: device.sizeBytes,
    mount: mountOf(device, mounts),
  };
  if (signature.kind === 'unreadable') return unexamined(signature.reason, await fileSystemFromMount(machine, place));
  if (signature.kind === 'ambiguous') {
    return unexamined('It carries the signatures of several file systems.', await fileSystemFromMount(machine, place));
  }
  if (signature.kind === 'nothing') return { partitionTable: 'none', partitions: [], fileSystem: null };

  const { type, partitionTable } = signature;
  if (partitionTable === null || (type !== null && (await isFileSystemAlone(machine, device, place)))) {
    const fileSystem = await fileSystemIn(machine, signature, place);
    return { partitionTable: 'none', partitions: [], fileSystem };
  }
  if (type !== null && !arePartitionsInUse(device, mounts)) {
    return unexamined(`It carries a partition table and the signature of ${type}, and neither is in use.`, null);
  }
  const table = tableNamed(partitionTable);
  if (table === null) return unexamined(`Its partition table (${partitionTable}) is not known.`, null);
  return { partitionTable: table, fileSystem: null, ...(await partitionsOf(machine, device, mounts)) };
}

/**
 * A disk can carry a partition table and the signature of a file system on the whole of it. One of them is what a use
 * before has left, and nothing on the disk says which: tools that partition write around a superblock, and some that
 * format leave the table. Only a boot sector looks like a table without partitions.
 */
async function isFileSystemAlone(
  machine: MachineView,
  device: BlockDevice,
  { mount }: FileSystemPlace,
): Promise<boolean> {
  if (mount !== null) return true;
  if (partitionDevices(device).length > 0) return false;
  const outcome = await machine.run('sfdisk', ['--json', device.path]);
  return outcome.exitCode === 0 && parseSfdisk(outcome.stdout, device.logicalSectorBytes).length === 0;
}

/** Mounted, or below something. */
function arePartitionsInUse(device: BlockDevice, mounts: readonly Mount[]): boolean {
  return partitionDevices(device).some((part) => mountOf(part, mounts) !== null || part.children.length > 0);
}

function partitionDevices(device: BlockDevice): BlockDevice[] {
  return device.children.filter(({ type }) => type === 'part');
}

/** Other tables (BSD, Sun, a protective MBR that has lost its GPT) are not taken for something they are not. */
function tableNamed(name: string): 'gpt' | 'mbr' | null {
  if (name === 'gpt') return 'gpt';
  return name === 'dos' ? 'mbr' : null;
}

function unexamined(reason: string, fileSystem: FileSystem | null): Content {
  const examinationError = reason.slice(0, EXAMINATION_ERROR_MAX_CHARACTERS);
  return { partitionTable: 'none', partitions: [], fileSystem, examinationError };
}

async function partitionsOf(
  machine: MachineView,
  device: BlockDevice,
  mounts: readonly Mount[],
): Promise<Pick<Content, 'partitions' | 'examinationError'>> {
  const outcome = await machine.run('sfdisk', ['--json', device.path]);
  if (outcome.exitCode !== 0) return unexamined(`sfdisk: ${outcome.stderr.trim()}`, null);
  const partitions: Partition[] = [];
  let fault: string | null = null;
  for (const entry of parseSfdisk(outcome.stdout, device.logicalSectorBytes)) {
    const child = childFor(entry, device);
    const signature = await signatureOf(machine, device, entry, child);
    if (signature.kind === 'unreadable') fault ??= `${entry.node}: ${signature.reason}`;
    const place: FileSystemPlace = {
      path: child?.path ?? `${device.path}?offset=${entry.startBytes}`,
      sizeBytes: entry.sizeBytes,
      mount: child === null ? null : mountOf(child, mounts),
    };
    const { number, startBytes, sizeBytes, typeId } = entry;
    const fileSystem = await fileSystemIn(machine, signature, place);
    partitions.push({ number, device: child?.path ?? entry.node, startBytes, sizeBytes, typeId, fileSystem });
  }
  return fault === null ? { partitions } : { ...unexamined(fault, null), partitions };
}

/**
 * The kernel's device for a partition, or null: disk images have none until `partx` is run, and a table that was
 * rewritten since the kernel read it must not be taken for what the kernel shows.
 */
function childFor(entry: PartitionEntry, device: BlockDevice): BlockDevice | null {
  return (
    device.children.find(
      ({ type, path, sizeBytes }) =>
        type === 'part' && partitionNumber(path) === entry.number && sizeBytes === entry.sizeBytes,
    ) ?? null
  );
}

/** What udev recorded, where there is a udev; else what is read from the partition, through the disk if need be. */
async function signatureOf(
  machine: MachineView,
  device: BlockDevice,
  entry: PartitionEntry,
  child: BlockDevice | null,
): Promise<Signature> {
  // What a file system of before has left between the tables of logical partitions is none.
  if (MBR_EXTENDED_TYPES.has(entry.typeId)) return { kind: 'nothing' };
  if (child === null) {
    const range = ['--offset', String(entry.startBytes), '--size', String(entry.sizeBytes)];
    return probe(machine, [...range, device.path]);
  }
  const { fileSystemType: type, uuid, label } = child;
  return type === null ? probe(machine, [child.path]) : { kind: 'found', type, uuid, label, ...NO_TABLE };
}

async function probe(machine: MachineView, args: readonly string[]): Promise<Signature> {
  return parseBlkid(await machine.run('blkid', ['-p', '-o', 'export', ...args]));
}

async function fileSystemIn(
  machine: MachineView,
  signature: Signature,
  place: FileSystemPlace,
): Promise<FileSystem | null> {
  if (signature.kind !== 'found' || signature.type === null) return null;
  const { type, uuid, label } = signature;
  const space = await measureFileSystem(machine, type, place);
  return { type, uuid, label, ...space, mountPoint: place.mount?.mountPoint ?? null };
}

/** A disk that this program may not open can still be mounted, and its use is then known. */
async function fileSystemFromMount(machine: MachineView, place: FileSystemPlace): Promise<FileSystem | null> {
  if (place.mount === null) return null;
  const { type, mountPoint } = place.mount;
  return { type, uuid: null, label: null, ...(await measureFileSystem(machine, type, place)), mountPoint };
}

/**
 * A SCSI disk says whether space is allocated on writing. No other disk of a virtual machine tells, and none proves
 * that its space is fixed, so the answer is `dynamic` or `unknown`.
 */
async function allocationOf(machine: MachineView, device: BlockDevice): Promise<Disk['allocation']> {
  if (device.scsiAddress === null || TRANSPORTS_WITH_TRIM.has(device.transport ?? '')) return 'unknown';
  const flag = await machine.readText(`/sys/class/scsi_disk/${device.scsiAddress}/thin_provisioning`);
  return flag?.trim() === '1' ? 'dynamic' : 'unknown';
}

/** @throws InventoryError for a device that is only a part of a disk */
export function assertWholeDisk(device: BlockDevice): void {
  if (device.type !== 'part') return;
  throw new InventoryError(
    'INVENTORY.DISK_IS_A_PARTITION',
    `${device.path} is a partition, not a disk.`,
    'Name the whole disk that the partition is on.',
  );
}
