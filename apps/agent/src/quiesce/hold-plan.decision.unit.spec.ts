import { describe, expect, it } from 'vitest';
import { fakeDisk } from '../round/round-fixture.fake.js';
import { mountedOn, planHold } from './hold-plan.decision.js';

const OWN = [{ deviceNumber: 1, sourceDevice: '/dev/root' }];
const mounted = (changes: object = {}) => ({
  ...{ device: '/dev/sdb1', type: 'ext4', mountPoint: '/data' },
  place: { deviceNumber: 7, sourceDevice: '/dev/sdb1' },
  ...changes,
});

describe('mountedOn', () => {
  it('lists what is mounted, from partitions and from bare disks', () => {
    const bare = {
      ...fakeDisk('bare', 10),
      partitions: [],
      fileSystem: { type: 'xfs', uuid: null, label: null, sizeBytes: 10, usedBytes: null, mountPoint: '/bare' },
    };
    expect(mountedOn([fakeDisk('a', 10, '/a'), fakeDisk('b', 10), bare])).toEqual([
      { device: '/dev/ap1', type: 'ext4', mountPoint: '/a' },
      { device: '/dev/bare', type: 'xfs', mountPoint: '/bare' },
    ]);
  });

  it('lists a logical volume once, although it is on two disks', () => {
    const fileSystem = { type: 'xfs', uuid: null, label: null, sizeBytes: 10, usedBytes: null, mountPoint: '/lv' };
    const volumes = [{ device: '/dev/mapper/vg-lv', fileSystem }];
    expect(
      mountedOn([
        { ...fakeDisk('a', 10), volumes },
        { ...fakeDisk('b', 10), volumes },
      ]),
    ).toEqual([{ device: '/dev/mapper/vg-lv', type: 'xfs', mountPoint: '/lv' }]);
  });
});

describe('planHold', () => {
  it.each(['ext4', 'xfs', 'btrfs'])('holds %s', (type) => {
    expect(planHold([mounted({ type })], OWN).hold).toEqual([{ device: '/dev/sdb1', type, mountPoint: '/data' }]);
  });

  it.each([
    ['a type that cannot be frozen', { type: 'vfat' }],
    ['the root', { mountPoint: '/' }],
    ['what the agent writes to', { place: { deviceNumber: 1, sourceDevice: '/dev/sdb1' } }],
    ['another subvolume of it', { place: { deviceNumber: 7, sourceDevice: '/dev/root' } }],
    ['its device under another name', { device: '/dev/root' }],
  ])('flushes only: %s', (_name, changes) => {
    const plan = planHold([mounted(changes)], OWN);
    expect(plan.hold).toEqual([]);
    expect(plan.flushOnly).toHaveLength(1);
  });
});
