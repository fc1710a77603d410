import type { Disk, FileSystem, SourceMachineView } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { momentInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { renderPairs, renderTable, withoutControlCharacters as clean } from '../terminal/table.js';

export function renderSourceMachines(machines: readonly SourceMachineView[], paint: Paint): string {
  if (machines.length === 0)
    return 'No source machine is enrolled. Get a token for its agent with: landfall enrol-token';
  return renderTable<SourceMachineView>(
    [
      { title: 'NAME', cell: ({ name }) => clean(name) },
      { title: 'ID', cell: ({ sourceMachineId }) => sourceMachineId },
      { title: 'LINK', cell: (machine) => linkOf(machine, paint) },
      { title: 'SYSTEM', cell: (machine) => systemOf(machine) },
      { title: 'DISKS', align: 'right', cell: ({ inventory }) => String(inventory?.disks.length ?? '-') },
      { title: 'SIZE', align: 'right', cell: ({ inventory }) => (inventory ? sumOf(inventory.disks, 'size') : '-') },
      { title: 'USED', align: 'right', cell: ({ inventory }) => (inventory ? sumOf(inventory.disks, 'used') : '-') },
    ],
    machines,
    paint,
  );
}

export function renderSourceMachine(machine: SourceMachineView, paint: Paint): string {
  const { inventory } = machine;
  const facts = renderPairs(
    [
      ['Name', clean(machine.name)],
      ['Id', machine.sourceMachineId],
      ['Link', linkOf(machine, paint)],
      ['Agent', clean(machine.software ?? '-')],
      ['Enrolled', `${momentInWords(machine.enrolledAt)} UTC`],
      ['System', systemOf(machine)],
      ['Kernel', clean(inventory?.operatingSystem.kernel ?? '-')],
      ['Firmware', inventory?.firmware ?? '-'],
      ['CPUs', String(inventory?.cpuCount ?? '-')],
      [
        'Memory',
        inventory ? `${sizeInWords(inventory.memoryBytes)}, ${sizeInWords(inventory.memoryFreeBytes)} free` : '-',
      ],
    ],
    paint,
  );
  if (inventory === null) return `${facts}\n\nThe agent has not reported the machine yet.`;
  const mounts = inventory.networkMounts.map(
    ({ source, mountPoint, type }) => `  ${clean(source)} on ${clean(mountPoint)} (${clean(type)})`,
  );
  const notMigrated = mounts.length === 0 ? [] : ['', 'Network storage, which is not migrated:', ...mounts];
  return [facts, '', renderDisks(inventory.disks, paint), ...notMigrated].join('\n');
}

type DiskRow = {
  readonly name: string;
  readonly device: string;
  readonly sizeBytes: number;
  readonly content: string;
  readonly fileSystem: FileSystem | null;
};

function renderDisks(disks: readonly Disk[], paint: Paint): string {
  return renderTable<DiskRow>(
    [
      { title: 'DISK', cell: ({ name }) => clean(name) },
      { title: 'DEVICE', cell: ({ device }) => clean(device) },
      { title: 'SIZE', align: 'right', cell: ({ sizeBytes }) => sizeInWords(sizeBytes) },
      { title: 'USED', align: 'right', cell: ({ fileSystem }) => usedOf(fileSystem) },
      { title: 'CONTENT', cell: ({ content }) => clean(content) },
      { title: 'MOUNTED ON', cell: ({ fileSystem }) => clean(fileSystem?.mountPoint ?? '-') },
    ],
    disks.flatMap(rowsOf),
    paint,
  );
}

function rowsOf(disk: Disk): readonly DiskRow[] {
  const { diskId, device, sizeBytes, fileSystem, partitionTable } = disk;
  const whole = fileSystem?.type ?? (partitionTable === 'none' ? 'raw' : partitionTable.toUpperCase());
  const content = disk.examinationError === undefined ? whole : `not examined: ${disk.examinationError}`;
  return [
    { name: diskId, device, sizeBytes, content, fileSystem },
    ...disk.partitions.map((partition) => ({
      name: `  partition ${partition.number}`,
      device: partition.device,
      sizeBytes: partition.sizeBytes,
      content: partition.fileSystem?.type ?? 'no file system',
      fileSystem: partition.fileSystem,
    })),
  ];
}

const usedOf = (fileSystem: FileSystem | null): string =>
  fileSystem?.usedBytes == null ? '-' : sizeInWords(fileSystem.usedBytes);

function sumOf(disks: readonly Disk[], what: 'size' | 'used'): string {
  const bytes = disks.map((disk) => {
    if (what === 'size') return disk.sizeBytes;
    const fileSystems = [disk.fileSystem, ...disk.partitions.map(({ fileSystem }) => fileSystem)];
    return fileSystems.reduce((sum, fileSystem) => sum + (fileSystem?.usedBytes ?? 0), 0);
  });
  return sizeInWords(bytes.reduce((sum, value) => sum + value, 0));
}

const systemOf = ({ inventory }: SourceMachineView): string =>
  inventory === null ? '-' : clean(`${inventory.operatingSystem.name} ${inventory.operatingSystem.version}`.trim());

const linkOf = ({ connected }: SourceMachineView, paint: Paint): string =>
  connected ? paint('good', 'connected') : paint('bad', 'lost');
