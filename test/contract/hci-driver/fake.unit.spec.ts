import { describe, expect, it } from 'vitest';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import { FakeHciDriver, type FakeMachine, type RestoreEnvironment, type TargetVmOrder } from '#libs/hci';
import { describeHciDriver } from './hci-driver.suite.js';

describeHciDriver('the fake', async () => {
  const platform = new FakeHciDriver();
  return {
    driver: () => platform,
    find: async (targetVmId) => {
      const machine = platform.machine(targetVmId);
      if (machine === null) return null;
      const { order, isOn, boots, starts } = machine;
      return { disks: order.disks, runs: isOn ? boots : 'nothing', starts };
    },
    crash: async (targetVmId) => platform.crash(targetVmId),
    nextStart: async (start) => platform.nextStart(start),
    close: async () => undefined,
  };
});

describe('the faults of the fake', () => {
  const order: TargetVmOrder = {
    ...{ targetVmId: 'e2941627-0001-4000-8000-000000000001', name: 'x', cpuCount: 1, memoryBytes: 1 },
    disks: [{ diskId: 'a', sizeBytes: 1 }],
  };
  const environment = async (): Promise<RestoreEnvironment> => ({ serverUrl: 'http://server', token: 'one-time' });

  it('loses a reply whose call took effect', async () => {
    const platform = new FakeHciDriver();
    platform.loseReplies(2);
    await expect(platform.ensureInRestoreEnvironment(order, environment)).rejects.toBeInstanceOf(TransientError);
    expect(platform.machines).toMatchObject([{ order, isOn: true, hasEnrolled: true }]);
    await expect(platform.remove(order.targetVmId)).rejects.toBeInstanceOf(TransientError);
    expect(platform.machines).toEqual([]);
    await platform.remove(order.targetVmId);
    expect(platform.calls.map(({ call }) => call)).toEqual(['ensureInRestoreEnvironment', 'remove', 'remove']);
  });

  it('refuses a call without effect', async () => {
    const platform = new FakeHciDriver();
    const full = new PermanentError('no storage left');
    platform.refuse(full);
    await expect(platform.ensureInRestoreEnvironment(order, environment)).rejects.toBe(full);
    expect(platform.machines).toEqual([]);
  });

  it('lets somebody else play the guests', async () => {
    const diary: string[] = [];
    const platform = new FakeHciDriver({
      started: (machine, given) => {
        diary.push(`started ${machine.reference} with ${given?.token ?? 'what it has'}`);
        machine.hasEnrolled = true;
      },
      ended: ({ reference }: FakeMachine) => diary.push(`ended ${reference}`),
    });
    await platform.ensureInRestoreEnvironment(order, environment);
    platform.crash(order.targetVmId);
    await platform.ensureInRestoreEnvironment(order, environment);
    await platform.bootFromDisk(order.targetVmId);
    expect(diary).toEqual(['started vm-1 with one-time', 'ended vm-1', 'started vm-1 with what it has', 'ended vm-1']);
  });
});
