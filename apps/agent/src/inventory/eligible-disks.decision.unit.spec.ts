import { describe, expect, it } from 'vitest';
import { eligibleDisks, isExternal } from './eligible-disks.decision.js';
import type { BlockDevice } from './lsblk.parser.js';

const device = (kernelName: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  path: `/dev/${kernelName}`,
  kernelName,
  type: 'disk',
  sizeBytes: 1024,
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
const names = (...devices: BlockDevice[]) => eligibleDisks(devices).map(({ kernelName }) => kernelName);

describe('eligibleDisks', () => {
  it.each(['sda', 'vda', 'xvda', 'nvme0n1', 'mmcblk0', 'hda', 'sdaa', 'nbd0'])('takes %s', (name) => {
    expect(names(device(name))).toEqual([name]);
  });

  it.each(['loop0', 'ram0', 'zram0', 'zd16', 'mtdblock0', 'mmcblk0boot0', 'mmcblk0rpmb'])('leaves %s', (name) => {
    expect(names(device(name))).toEqual([]);
  });

  it.each([
    ['read-only', { readOnly: true }],
    ['removable', { removable: true }],
    ['empty', { sizeBytes: 0 }],
    ['not a disk', { type: 'rom' }],
    ['an array, whose disks are listed too', { type: 'raid1' }],
  ])('leaves what is %s', (_, more) => {
    expect(names(device('sda', more))).toEqual([]);
  });

  it('takes a disk with several paths once, by its multipath device', () => {
    const multipath = device('dm-0', { type: 'mpath', path: '/dev/mapper/mpatha' });
    const path = { children: [multipath], serial: 'S1', wwn: 'W1', transport: 'fc' };
    expect(eligibleDisks([device('sda', path), device('sdb', path), device('sdc')])).toMatchObject([
      { path: '/dev/mapper/mpatha', serial: 'S1', wwn: 'W1', transport: 'fc' },
      { path: '/dev/sdc' },
    ]);
  });
});

describe('isExternal', () => {
  it.each([
    ['usb', true],
    ['iscsi', true],
    ['fc', true],
    ['sata', false],
    ['nvme', false],
    [null, false],
  ])('over %s: %s', (transport, external) => {
    expect(isExternal({ transport, kernelName: 'sda' })).toBe(external);
  });

  it('knows network block devices by their names', () => {
    expect(isExternal({ transport: null, kernelName: 'nbd0' })).toBe(true);
  });
});
