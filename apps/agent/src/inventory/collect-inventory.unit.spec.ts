import { describe, expect, it } from 'vitest';
import { machineInventory } from '#libs/contracts';
import { collectInventory } from './collect-inventory.js';
import { InventoryError } from './inventory.errors.js';
import { recordedMachine, recordingNamed, type Recording } from './recorded-machine.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const inventoryOf = async (name: string, disks?: readonly string[]) =>
  machineInventory.parse(await collectInventory({ disks }, recordedMachine(recordingNamed(name))));

describe('a disk that cannot be examined', () => {
  const withFault = (code: 'INVENTORY.TOOL_FAILED' | 'INVENTORY.TOOL_MISSING') => {
    const machine = recordedMachine(recordingNamed('loop-gpt-mounted'));
    const run: typeof machine.run = (tool, args) =>
      tool === 'blkid' && args.includes('/dev/loop1')
        ? Promise.reject(new InventoryError(code, 'blkid did not end within 30 s', 'x'))
        : machine.run(tool, args);
    return collectInventory({ disks: ['/dev/loop0', '/dev/loop1'] }, { ...machine, run });
  };

  it('says why, and leaves the others as they are', async () => {
    const whole = await inventoryOf('loop-gpt-mounted', ['/dev/loop0', '/dev/loop1']);
    const { disks } = machineInventory.parse(await withFault('INVENTORY.TOOL_FAILED'));
    expect(disks[0]).toEqual(whole.disks[0]);
    expect(disks[1]).toMatchObject({
      ...{ device: '/dev/loop1', sizeBytes: whole.disks[1]!.sizeBytes, partitions: [], fileSystem: null },
      examinationError: 'blkid did not end within 30 s',
    });
  });

  it('is no matter of one disk when a program is missing', async () => {
    await expect(withFault('INVENTORY.TOOL_MISSING')).rejects.toMatchObject({ code: 'INVENTORY.TOOL_MISSING' });
  });
});

describe('a disk image on a loop device, named explicitly', () => {
  it('has its GPT partitions with what the kernel and the probe say of each', async () => {
    const [disk] = (await inventoryOf('loop-gpt-mounted', ['/dev/loop0', '/dev/loop1'])).disks;
    expect(disk).toMatchObject({
      diskId: '218de445-938d-3144-9568-749919325679',
      device: '/dev/loop0',
      sizeBytes: 96 * MIB,
      logicalSectorBytes: 512,
      transport: null,
      external: false,
      allocation: 'unknown',
      partitionTable: 'gpt',
      fileSystem: null,
    });
    expect(disk!.partitions).toEqual([
      {
        number: 1,
        device: '/dev/loop0p1',
        startBytes: MIB,
        sizeBytes: 60 * MIB,
        typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
        fileSystem: {
          type: 'ext4',
          uuid: '3c874d13-1a32-42dd-9e78-434abfaac47d',
          label: 'my data',
          sizeBytes: 53_449_728,
          usedBytes: 5_257_216,
          mountPoint: '/mnt/data',
        },
      },
      expect.objectContaining({
        number: 2,
        fileSystem: expect.objectContaining({ type: 'swap', sizeBytes: 16 * MIB, usedBytes: null, mountPoint: null }),
      }),
      expect.objectContaining({ number: 3, sizeBytes: 2 * MIB, fileSystem: null }),
    ]);
  });

  it('is probed through the disk where its partitions have no devices, and unmounted ext4 tells its use', async () => {
    const { disks } = await inventoryOf('loop-without-partition-devices', ['/dev/loop0', '/dev/loop1', '/dev/loop2']);
    const [partitioned, unpartitioned, raw] = disks;
    expect(partitioned!.partitions[0]).toMatchObject({
      device: '/dev/loop0p1',
      fileSystem: { type: 'ext4', label: 'root', sizeBytes: 60 * MIB, usedBytes: 9_479_168, mountPoint: null },
    });
    expect(unpartitioned).toMatchObject({
      partitionTable: 'none',
      partitions: [],
      fileSystem: { type: 'ext4', sizeBytes: 32 * MIB, usedBytes: 7_104_512 },
    });
    expect(raw).toMatchObject({ partitionTable: 'none', partitions: [], fileSystem: null });
    expect(raw).not.toHaveProperty('examinationError');
  });
});

describe('a BIOS server with MBR, LVM and network mounts, seen by older programs', () => {
  const inventory = () => inventoryOf('server-with-mbr-and-lvm');

  it('is described', async () => {
    expect(await inventory()).toMatchObject({
      hostname: 'erp-db1',
      operatingSystem: { name: 'CentOS Linux', version: '8', kernel: '4.18.0-348.el8.x86_64', architecture: 'x86_64' },
      firmware: 'bios',
      cpuCount: 4,
      memoryBytes: 8_009_416 * 1024,
      memoryFreeBytes: 812_344 * 1024,
    });
  });

  it('has three disks with stable ids, without its CD-ROM and loop device', async () => {
    const { disks } = await inventory();
    expect(disks.map(({ diskId, device, external }) => [diskId, device, external])).toEqual([
      ['6000c29a7f-1', '/dev/sda', false],
      ['0x6001405aa', '/dev/sdb', true],
      ['sdc', '/dev/sdc', false],
    ]);
  });

  it('has an MBR disk with its extended and logical partitions; a volume group is a file system of unknown use', async () => {
    const [disk] = (await inventory()).disks;
    expect(disk).toMatchObject({ partitionTable: 'mbr', allocation: 'dynamic' });
    expect(disk!.partitions.map(({ number, typeId, fileSystem }) => [number, typeId, fileSystem?.type])).toEqual([
      [1, '83', 'ext4'],
      [2, '5', undefined],
      [5, '8e', 'LVM2_member'],
    ]);
    expect(disk!.partitions[0]).toMatchObject({ startBytes: MIB, fileSystem: { usedBytes: 200 * MIB } });
    expect(disk!.partitions[2]!.fileSystem).toMatchObject({ sizeBytes: 63 * GIB, usedBytes: null });
  });

  it('has the file systems of logical volumes with the disk that they are made of', async () => {
    const [disk] = (await inventory()).disks;
    expect(disk?.volumes?.map(({ device, fileSystem }) => [device, fileSystem.type, fileSystem.mountPoint])).toEqual([
      ['/dev/mapper/vg0-root', 'ext4', '/'],
      ['/dev/mapper/vg0-swap', 'swap', null],
    ]);
  });

  it('has a file system on a whole disk, measured where its root is mounted', async () => {
    expect((await inventory()).disks[1]).toMatchObject({
      partitionTable: 'none',
      allocation: 'unknown',
      fileSystem: { type: 'xfs', label: 'srv', usedBytes: 33 * GIB, mountPoint: '/srv/my data' },
    });
  });

  it('names its network mounts', async () => {
    expect((await inventory()).networkMounts).toEqual([
      { source: 'filer:/home', mountPoint: '/home', type: 'nfs4' },
      { source: '//filer/team share', mountPoint: '/mnt/team share', type: 'cifs' },
    ]);
  });
});

describe('an ARM server with UEFI, 4 KiB sectors and multipath storage', () => {
  const inventory = () => inventoryOf('arm-server-with-multipath');

  it('is described', async () => {
    expect(await inventory()).toMatchObject({
      operatingSystem: { name: 'Some Linux', version: 'rolling', architecture: 'aarch64' },
      firmware: 'uefi',
      memoryFreeBytes: 400_000 * 1024,
      networkMounts: [{ source: 'share', mountPoint: '/mnt/host', type: 'virtiofs' }],
    });
  });

  it('has the LUN behind two paths once, and neither the USB stick nor memory', async () => {
    const { disks } = await inventory();
    expect(disks.map(({ diskId, device, transport, external }) => [diskId, device, transport, external])).toEqual([
      ['60a980-004', '/dev/mapper/mpatha', 'fc', true],
      ['USB123', '/dev/sdc', 'usb', true],
      ['S4EWNX0R', '/dev/nvme0n1', 'nvme', false],
    ]);
    expect(disks[0]!.partitions[0]).toMatchObject({
      number: 1,
      fileSystem: { type: 'btrfs', usedBytes: 60 * GIB, mountPoint: '/data' },
    });
  });

  it('has partitions at offsets counted in its own sectors', async () => {
    const disk = (await inventory()).disks[2]!;
    expect(disk.logicalSectorBytes).toBe(4096);
    expect(disk.partitions.map(({ startBytes, sizeBytes }) => [startBytes, sizeBytes])).toEqual([
      [MIB, 512 * MIB],
      [513 * MIB, 99 * GIB],
    ]);
  });

  it('does not report the use of what is mounted over a file system', async () => {
    const [efi, root] = (await inventory()).disks[2]!.partitions;
    expect(efi!.fileSystem).toMatchObject({ sizeBytes: 512 * MIB, usedBytes: null, mountPoint: '/boot/efi' });
    expect(root!.fileSystem).toMatchObject({ usedBytes: 12 * GIB });
  });

  it('reports a disk with contradicting signatures as not examined', async () => {
    expect((await inventory()).disks[1]).toMatchObject({
      partitions: [],
      fileSystem: null,
      examinationError: 'It carries the signatures of several file systems.',
    });
  });
});

describe('a disk that cannot be opened', () => {
  it('is reported with the reason, and with what the mount table knows', async () => {
    const { disks } = await inventoryOf('disk-that-cannot-be-opened');
    expect(disks).toMatchObject([
      {
        diskId: 'vda',
        examinationError: 'blkid: error: /dev/vda: Operation not permitted',
        fileSystem: { type: 'ext4', mountPoint: '/', usedBytes: 14_664_359_936 },
      },
    ]);
  });
});

describe('the disks named by the operator', () => {
  const codeOf = (disks: string[], recording: Recording) =>
    collectInventory({ disks }, recordedMachine(recording)).then(
      () => 'no error',
      (error: unknown) => (error as { code?: string }).code,
    );

  it('must exist and be whole block devices', async () => {
    const recording = recordingNamed('loop-gpt-mounted');
    expect(await codeOf(['/dev/nothing'], recording)).toBe('INVENTORY.DISK_NOT_FOUND');
    expect(await codeOf(['/tmp/disk.img'], recording)).toBe('INVENTORY.DISK_NOT_A_BLOCK_DEVICE');
  });

  it('must not be partitions', async () => {
    const recording = recordingNamed('loop-gpt-mounted');
    const [line, outcome] = Object.entries(recording.commands).find(([command]) => command.startsWith('lsblk'))!;
    const listing = JSON.parse(outcome.stdout) as { blockdevices: { children: unknown[] }[] };
    const partition = listing.blockdevices[0]!.children[0];
    recording.commands[line.replace('/dev/loop0 /dev/loop1', '/dev/loop0p1')] = {
      ...outcome,
      stdout: JSON.stringify({ blockdevices: [partition] }),
    };
    recording.blockDevices.push('/dev/loop0p1');
    expect(await codeOf(['/dev/loop0p1'], recording)).toBe('INVENTORY.DISK_IS_A_PARTITION');
  });

  it('are no disks at all when the list is empty', async () => {
    expect((await inventoryOf('server-with-mbr-and-lvm', [])).disks).toEqual([]);
  });

  it('fail clearly when lsblk does', async () => {
    const recording = recordingNamed('loop-gpt-mounted');
    for (const command of Object.keys(recording.commands)) {
      if (command.startsWith('lsblk')) recording.commands[command] = { exitCode: 32, stdout: '', stderr: 'gone' };
    }
    expect(await codeOf(['/dev/loop0', '/dev/loop1'], recording)).toBe('INVENTORY.TOOL_FAILED');
  });
});
