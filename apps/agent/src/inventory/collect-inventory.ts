import type { Disk, MachineInventory } from '#libs/contracts';
import { diskIdsOf } from './disk-ids.decision.js';
import { eligibleDisks } from './eligible-disks.decision.js';
import { assertWholeDisk, examineDisk, unexaminedDisk, type ExaminedDisk } from './examine-disk.js';
import { InventoryError } from './inventory.errors.js';
import { linuxMachineView } from './linux-machine-view.js';
import { LSBLK_ARGUMENTS, parseLsblk, type BlockDevice } from './lsblk.parser.js';
import type { MachineView } from './machine-view.js';
import { parseMemory } from './memory.parser.js';
import { parseMountTable, type Mount } from './mount-table.parser.js';
import { networkMountsIn } from './network-mounts.decision.js';
import { architectureOf, firmwareOf, parseOsRelease } from './operating-system.parser.js';

/** The contract's limit. */
const DISKS_MAX = 256;

export interface InventoryOptions {
  /** Paths of block devices. When given, exactly these are the machine's disks, loop devices included. */
  readonly disks?: readonly string[] | undefined;
}

/**
 * Takes the inventory of a machine: operating system, memory, disks with what is on them, network mounts.
 * It only reads. Sizes in bytes.
 * @param machine this machine unless a recorded one is given
 * @throws InventoryError with a code of `INVENTORY_ERROR_CODES` and a remedy
 */
export async function collectInventory(
  options: InventoryOptions = {},
  machine: MachineView = linuxMachineView,
): Promise<MachineInventory> {
  const facts = machine.facts();
  const architecture = architectureOf(facts.hardwareName);
  const osRelease = (await machine.readText('/etc/os-release')) ?? (await machine.readText('/usr/lib/os-release'));
  const mounts = parseMountTable((await machine.readText('/proc/self/mountinfo')) ?? '');
  const memory = parseMemory((await machine.readText('/proc/meminfo')) ?? '');
  const devices = options.disks === undefined ? await ownDisks(machine) : await givenDisks(machine, options.disks);
  return {
    hostname: facts.hostname,
    operatingSystem: { ...parseOsRelease(osRelease ?? ''), kernel: facts.kernel, architecture },
    firmware: firmwareOf(await machine.exists('/sys/firmware/efi'), architecture),
    cpuCount: facts.cpuCount,
    memoryBytes: memory.totalBytes,
    memoryFreeBytes: memory.freeBytes,
    disks: await examineAll(machine, devices, mounts),
    networkMounts: networkMountsIn(mounts),
  };
}

async function examineAll(
  machine: MachineView,
  devices: readonly BlockDevice[],
  mounts: readonly Mount[],
): Promise<Disk[]> {
  if (devices.length > DISKS_MAX) {
    throw new InventoryError(
      'INVENTORY.TOO_MANY_DISKS',
      `This machine has ${devices.length} disks; at most ${DISKS_MAX} can be reported.`,
      'Name the disks to migrate explicitly.',
    );
  }
  const examined: ExaminedDisk[] = [];
  // One after the other: a source machine in production has better uses for its disks.
  for (const device of devices) examined.push(await examineOrExplain(machine, device, mounts));
  const diskIds = diskIdsOf(
    devices.map((device, index) => ({ ...device, contentId: examined[index]?.contentId ?? null })),
  );
  return examined.map(({ disk }, index) => ({ diskId: diskIds[index] ?? '', ...disk }));
}

/** A disk that does not answer, or has a form that is not understood, is no reason to know nothing of the others. */
async function examineOrExplain(
  machine: MachineView,
  device: BlockDevice,
  mounts: readonly Mount[],
): Promise<ExaminedDisk> {
  try {
    return await examineDisk(machine, device, mounts);
  } catch (error) {
    if (!(error instanceof InventoryError) || error.code === 'INVENTORY.TOOL_MISSING') throw error;
    return unexaminedDisk(device, error.message);
  }
}

async function ownDisks(machine: MachineView): Promise<BlockDevice[]> {
  return eligibleDisks(await listDevices(machine, []));
}

async function givenDisks(machine: MachineView, paths: readonly string[]): Promise<BlockDevice[]> {
  const devicePaths = new Set<string>();
  for (const path of paths) devicePaths.add(await blockDeviceAt(machine, path));
  // Without an argument lsblk lists every device, which is not what an empty list means.
  if (devicePaths.size === 0) return [];
  const devices = await listDevices(machine, [...devicePaths]);
  devices.forEach(assertWholeDisk);
  return devices;
}

async function blockDeviceAt(machine: MachineView, path: string): Promise<string> {
  const found = await machine.followDevicePath(path);
  if (found.kind === 'block') return found.path;
  const remedy = 'Name the path of a disk, such as /dev/sda; a disk image first needs a loop device (losetup).';
  throw found.kind === 'absent'
    ? new InventoryError('INVENTORY.DISK_NOT_FOUND', `There is no ${path}.`, remedy)
    : new InventoryError('INVENTORY.DISK_NOT_A_BLOCK_DEVICE', `${path} is not a block device.`, remedy);
}

async function listDevices(machine: MachineView, paths: readonly string[]): Promise<BlockDevice[]> {
  const { exitCode, stdout, stderr } = await machine.run('lsblk', [...LSBLK_ARGUMENTS, ...paths]);
  if (exitCode === 0) return parseLsblk(stdout);
  throw new InventoryError(
    'INVENTORY.TOOL_FAILED',
    `lsblk ended with ${exitCode}: ${stderr.trim()}`,
    'Check that the disks are still there (lsblk), then try again.',
  );
}
