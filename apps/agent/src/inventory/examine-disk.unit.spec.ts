import { describe, expect, it } from 'vitest';
import { examineDisk } from './examine-disk.js';
import type { BlockDevice } from './lsblk.parser.js';
import type { ToolOutcome } from './machine-view.js';
import type { Mount } from './mount-table.parser.js';
import { recordedMachine, type Recording } from './recorded-machine.js';

const MIB = 1024 ** 2;
const ok = (stdout: string): ToolOutcome => ({ exitCode: 0, stdout, stderr: '' });
const failed = (exitCode: number, stderr: string): ToolOutcome => ({ exitCode, stdout: '', stderr });

const device = (path: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  path,
  kernelName: path.replace('/dev/', ''),
  type: 'disk',
  sizeBytes: 100 * MIB,
  logicalSectorBytes: 512,
  readOnly: false,
  removable: false,
  transport: null,
  scsiAddress: null,
  serial: null,
  wwn: null,
  fileSystemType: null,
  uuid: null,
  label: null,
  deviceNumber: '8:0',
  children: [],
  ...more,
});
const partitionDevice = (sizeBytes: number) =>
  device('/dev/sda1', { type: 'part', sizeBytes, fileSystemType: 'xfs', deviceNumber: '8:1' });

const examine = async (
  disk: BlockDevice,
  commands: Readonly<Record<string, ToolOutcome>>,
  files: Recording['files'] = {},
  mounts: readonly Mount[] = [],
) => {
  const facts = { hostname: 'h', kernel: 'k', hardwareName: 'x86_64', cpuCount: 1 };
  const machine = recordedMachine({ facts, commands, files, spaces: {}, blockDevices: [] });
  return (await examineDisk(machine, disk, mounts)).disk;
};

/** A disk with a GPT and one partition of 50 MiB at 1 MiB. */
const ONE_PARTITION = {
  'blkid -p -o export /dev/sda': ok('PTTYPE=gpt\n'),
  'sfdisk --json /dev/sda': ok(
    JSON.stringify({
      partitiontable: {
        unit: 'sectors',
        sectorsize: 512,
        partitions: [{ node: '/dev/sda1', start: 2048, size: 102_400, type: 'L' }],
      },
    }),
  ),
};
const PROBE_THROUGH_DISK = `blkid -p -o export --offset ${MIB} --size ${50 * MIB} /dev/sda`;

describe('examineDisk', () => {
  describe('with the signatures of a file system and of a partition table', () => {
    const BOTH = { 'blkid -p -o export /dev/sda': ok('UUID=12-34\nTYPE=nilfs2\nPTTYPE=dos\n') };
    const withPartition = { ...ONE_PARTITION, ...BOTH };
    const seen = (part: Partial<BlockDevice> = {}) =>
      device('/dev/sda', { children: [{ ...partitionDevice(50 * MIB), ...part }] });
    const mounted = (deviceNumber: string): Mount[] => [
      { deviceNumber, root: '/', mountPoint: '/data', type: 'ext4', source: 'x' },
    ];

    it('has the file system when the table has no partitions: a boot sector looks like that', async () => {
      const noPartition = ok(JSON.stringify({ partitiontable: { unit: 'sectors', partitions: [] } }));
      expect(await examine(device('/dev/sda'), { ...BOTH, 'sfdisk --json /dev/sda': noPartition })).toMatchObject({
        partitionTable: 'none',
        fileSystem: { type: 'nilfs2' },
      });
    });

    it.each([
      ['seen by the kernel', seen()],
      ['not seen by the kernel', device('/dev/sda')],
    ])('is not judged while nobody uses either, with partitions %s', async (_, disk) => {
      expect(await examine(disk, withPartition)).toEqual(
        expect.objectContaining({
          partitionTable: 'none',
          partitions: [],
          fileSystem: null,
          examinationError: 'It carries a partition table and the signature of nilfs2, and neither is in use.',
        }),
      );
    });

    it('is not judged when sfdisk cannot read the table', async () => {
      const commands = { ...BOTH, 'sfdisk --json /dev/sda': failed(1, 'no table\n') };
      expect(await examine(device('/dev/sda'), commands)).toMatchObject({ fileSystem: null, partitions: [] });
    });

    it('has what is in use: the whole, a partition, or what is above a partition', async () => {
      expect(await examine(seen(), withPartition, {}, mounted('8:0'))).toMatchObject({
        partitions: [],
        fileSystem: { type: 'nilfs2', mountPoint: '/data' },
      });
      const partitioned = { partitionTable: 'mbr', fileSystem: null, partitions: [{ fileSystem: { type: 'xfs' } }] };
      expect(await examine(seen(), withPartition, {}, mounted('8:1'))).toMatchObject(partitioned);
      const below = seen({ children: [device('/dev/mapper/x', { type: 'crypt', deviceNumber: '253:0' })] });
      expect(await examine(below, withPartition)).toMatchObject(partitioned);
    });
  });

  it('finds no file system in an extended partition, whatever lay there before', async () => {
    const table = {
      unit: 'sectors',
      partitions: [
        { node: '/dev/sda1', start: 2048, size: 102_400, type: 'f' },
        { node: '/dev/sda5', start: 4096, size: 2048, type: '83' },
      ],
    };
    const commands = {
      'blkid -p -o export /dev/sda': ok('PTTYPE=dos\n'),
      'sfdisk --json /dev/sda': ok(JSON.stringify({ partitiontable: table })),
      [PROBE_THROUGH_DISK]: ok('TYPE=ext4\nPTTYPE=dos\n'),
      [`blkid -p -o export --offset ${2 * MIB} --size ${MIB} /dev/sda`]: ok('TYPE=swap\n'),
    };
    const { partitions } = await examine(device('/dev/sda'), commands);
    expect(partitions.map(({ fileSystem }) => fileSystem?.type ?? null)).toEqual([null, 'swap']);
  });

  it('does not believe a partition of the kernel that has another size than the one in the table', async () => {
    const disk = device('/dev/sda', { children: [partitionDevice(49 * MIB)] });
    const commands = { ...ONE_PARTITION, [PROBE_THROUGH_DISK]: ok('TYPE=btrfs\n') };
    expect((await examine(disk, commands)).partitions).toMatchObject([{ fileSystem: { type: 'btrfs' } }]);
  });

  it('reports a partition that cannot be read as a fault of its disk', async () => {
    const commands = { ...ONE_PARTITION, [PROBE_THROUGH_DISK]: failed(2, 'blkid: error: Input/output error') };
    expect(await examine(device('/dev/sda'), commands)).toMatchObject({
      partitions: [{ number: 1, fileSystem: null }],
      examinationError: '/dev/sda1: blkid: error: Input/output error',
    });
  });

  it('reports a table that it does not know, or that sfdisk does not understand', async () => {
    expect(await examine(device('/dev/sda'), { 'blkid -p -o export /dev/sda': ok('PTTYPE=PMBR\n') })).toMatchObject({
      partitionTable: 'none',
      examinationError: 'Its partition table (PMBR) is not known.',
    });
    const commands = { ...ONE_PARTITION, 'sfdisk --json /dev/sda': failed(1, 'does not contain a partition table\n') };
    expect(await examine(device('/dev/sda'), commands)).toMatchObject({
      partitions: [],
      examinationError: 'sfdisk: does not contain a partition table',
    });
  });

  it('does not believe a superblock that is larger than its partition, nor one that cannot be read', async () => {
    const superblock = (blocks: number) => ok(`Block count:   ${blocks}\nFree blocks:   10\nBlock size:    1048576\n`);
    const usedBytesWith = async (outcome: ToolOutcome) => {
      const commands = {
        ...ONE_PARTITION,
        [PROBE_THROUGH_DISK]: ok('TYPE=ext4\n'),
        [`dumpe2fs -h /dev/sda?offset=${MIB}`]: outcome,
      };
      const { fileSystem } = (await examine(device('/dev/sda'), commands)).partitions[0]!;
      return [fileSystem!.sizeBytes / MIB, fileSystem!.usedBytes];
    };
    expect(await usedBytesWith(superblock(50))).toEqual([50, 40 * MIB]);
    expect(await usedBytesWith(superblock(51))).toEqual([50, null]);
    expect(await usedBytesWith(failed(1, 'Bad magic number'))).toEqual([50, null]);
  });

  it.each([
    [null, '1\n', 'dynamic'],
    [null, '0\n', 'unknown'],
    ['iscsi', '1\n', 'dynamic'],
    // A SATA disk that understands TRIM says the same as a thin one.
    ['sata', '1\n', 'unknown'],
  ])('over %s, with thin_provisioning %j, is of %s allocation', async (transport, flag, allocation) => {
    const disk = device('/dev/sda', { transport, scsiAddress: '0:0:0:0' });
    const files = { '/sys/class/scsi_disk/0:0:0:0/thin_provisioning': flag };
    expect(await examine(disk, { 'blkid -p -o export /dev/sda': failed(2, '') }, files)).toMatchObject({ allocation });
  });
});
