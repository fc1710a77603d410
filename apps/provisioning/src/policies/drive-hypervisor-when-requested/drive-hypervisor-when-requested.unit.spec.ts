import { beforeEach, describe, expect, it } from 'vitest';
import {
  PermanentError,
  type PersistedEvent,
  TransientError,
  handleCommand,
  load,
  reactionIdOf,
} from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '#libs/hci';
import { InMemoryEventStore, RecordedCalls, nthContext } from '#libs/testing';
import type { TargetVmCommand } from '../../target-vm/domain/target-vm.commands.js';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';
import { driveHypervisorWhenRequested } from './drive-hypervisor-when-requested.js';

const targetVmId = 'e2941627-0001-4000-8000-000000000001';
const restorerId = 'e2941627-0004-4000-8000-000000000004';
const order: Extract<TargetVmCommand, { type: 'RequestTargetVm' }>['order'] = {
  targetVmId,
  taskId: 'e2941627-0002-4000-8000-000000000002',
  siteId: 'e2941627-0003-4000-8000-000000000003',
  specification: {
    cpuCount: 2,
    memoryBytes: 4_294_967_296,
    firmware: 'uefi',
    provisioning: 'automatic',
    disks: [{ sourceDiskId: 'disk-a', sizeBytes: 42_949_672_960, allocation: 'thin' }],
  },
};
const ISSUE = 'landfall.transfer.issue-enrolment-token';
const environment = { token: 'one.time', expiresAt: '2026-03-01T11:00:00.000Z', serverUrl: 'http://127.0.0.1:8081' };

/** A platform that starts a machine once, and can be told to fail. */
class Platform implements HciDriver {
  readonly name = 'platform';
  readonly orders: TargetVmOrder[] = [];
  readonly environments: RestoreEnvironment[] = [];
  readonly booted: string[] = [];
  readonly removed: string[] = [];
  /** Happens while the machine is being made, before the platform answers. */
  meanwhile: () => Promise<unknown> = async () => undefined;
  failure: Error | null = null;
  /** It holds a restore environment that has enrolled, and asks for no token. */
  isEnrolled = false;

  async ensureInRestoreEnvironment(asked: TargetVmOrder, ask: () => Promise<RestoreEnvironment>) {
    if (this.failure !== null) throw this.failure;
    if (!this.isEnrolled && this.orders.length === 0) this.environments.push(await ask());
    this.orders.push(asked);
    await this.meanwhile();
    return { reference: 'vm-7' };
  }

  async bootFromDisk(id: string): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.booted.push(id);
  }

  async remove(id: string): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.removed.push(id);
  }
}

let store: InMemoryEventStore;
let platform: Platform;
let bus: RecordedCalls;
let count = 0;
beforeEach(() => {
  [store, platform, bus] = [new InMemoryEventStore(), new Platform(), new RecordedCalls({ [ISSUE]: environment })];
});

const tell = (command: TargetVmCommand) =>
  handleCommand(store, targetVms, targetVmId, command, nthContext((count += 1)));
const history = () => store.readStream(`targetVm-${targetVmId}`);
const typesOf = async () => (await history()).map(({ storedType }) => storedType.split('.')[1]);
const last = async (type: string): Promise<PersistedEvent> =>
  (await history()).findLast(({ storedType }) => storedType === `provisioning.${type}.v1`)!;
const react = async (event: PersistedEvent) =>
  driveHypervisorWhenRequested(store, bus, async () => platform).react(event);
const state = async () => (await load(store, targetVms, targetVmId)).state;
const bootable = async () => {
  await tell({ type: 'RequestTargetVm', order });
  await tell({ type: 'NoteRestorerConnected', restorerId });
  await tell({ type: 'NoteCreated', reference: 'vm-7', isEnrolled: false, enrolBy: environment.expiresAt });
  await tell({ type: 'RequestBootFromDisk' });
  return last('target-vm-boot-from-disk-requested');
};

describe('a target VM that was requested', () => {
  it('is asked of the hypervisor, with a token for its restore environment, and its name there recorded', async () => {
    await tell({ type: 'RequestTargetVm', order });
    const requested = await last('target-vm-requested');
    await react(requested);
    expect(platform.orders).toEqual([
      {
        targetVmId,
        name: 'landfall-e2941627',
        cpuCount: 2,
        memoryBytes: 4_294_967_296,
        disks: [{ diskId: 'disk-a', sizeBytes: 42_949_672_960 }],
      },
    ]);
    expect(platform.environments).toEqual([environment]);
    expect(bus.calls).toMatchObject([
      { subject: ISSUE, data: { kind: 'restorer', name: targetVmId }, origin: { causationId: requested.id } },
    ]);
    expect(await state()).toMatchObject({ status: 'created', reference: 'vm-7' });
  });

  it('is asked for once, also when the event comes again', async () => {
    await tell({ type: 'RequestTargetVm', order });
    const requested = await last('target-vm-requested');
    await react(requested);
    await react(requested);
    expect(platform.orders).toHaveLength(1);
    expect(await typesOf()).toEqual(['target-vm-requested', 'target-vm-created']);
  });

  it('keeps its reference when its restore environment was faster than the hypervisor', async () => {
    await tell({ type: 'RequestTargetVm', order });
    await tell({ type: 'NoteRestorerConnected', restorerId });
    await react(await last('target-vm-requested'));
    expect(await state()).toMatchObject({ status: 'ready', reference: 'vm-7', restorerId });
  });

  it('has failed when the hypervisor refuses for good, and is asked for again by another request', async () => {
    platform.failure = new PermanentError('no such storage');
    await tell({ type: 'RequestTargetVm', order });
    const first = await last('target-vm-requested');
    await react(first);
    expect(await state()).toMatchObject({ status: 'failed', failure: { detail: 'no such storage' } });
    platform.failure = null;
    await react(first);
    expect(platform.orders).toEqual([]);
    await tell({ type: 'RequestTargetVm', order });
    await react(await last('target-vm-requested'));
    expect(await state()).toMatchObject({ status: 'created', failure: null });
  });

  it.each([new TransientError('away'), new TypeError('a defect')])(
    'is not given up because of %s: the reader tries again',
    async (failure) => {
      platform.failure = failure;
      await tell({ type: 'RequestTargetVm', order });
      await expect(react(await last('target-vm-requested'))).rejects.toBe(failure);
      expect(await typesOf()).toEqual(['target-vm-requested']);
    },
  );

  it('is not given up because no token could be had', async () => {
    bus.nextFailure = new TransientError('transfer is away');
    await tell({ type: 'RequestTargetVm', order });
    const requested = await last('target-vm-requested');
    await expect(react(requested)).rejects.toBeInstanceOf(TransientError);
    await react(requested);
    expect(await state()).toMatchObject({ status: 'created' });
    expect(new Set(bus.calls.map(({ origin }) => origin.commandId))).toEqual(
      new Set([reactionIdOf(requested.id, 'issue-token')]),
    );
  });
});

describe('a target VM that is to boot from its disk', () => {
  it('is booted, and that is recorded, once', async () => {
    const requested = await bootable();
    await react(requested);
    await react(requested);
    expect(platform.booted).toEqual([targetVmId]);
    expect(await state()).toMatchObject({ status: 'booted-from-disk' });
  });

  it('has failed when the hypervisor refuses for good', async () => {
    const requested = await bootable();
    platform.failure = new PermanentError('the VM is gone');
    await react(requested);
    expect(await state()).toMatchObject({ status: 'failed', failure: { detail: 'the VM is gone' } });
  });

  it('is tried again when the failure may pass', async () => {
    const requested = await bootable();
    platform.failure = new TransientError('away');
    await expect(react(requested)).rejects.toBe(platform.failure);
    expect(await state()).toMatchObject({ status: 'booting-from-disk' });
  });
});

it('a machine whose restore environment connected before an earlier start failed is ready when it runs again', async () => {
  platform.failure = new PermanentError('the restorer ended');
  await tell({ type: 'RequestTargetVm', order });
  await react(await last('target-vm-requested'));
  await tell({ type: 'NoteRestorerConnected', restorerId });
  platform.failure = null;
  platform.isEnrolled = true;
  await tell({ type: 'RequestTargetVm', order });
  await react(await last('target-vm-requested'));
  expect(platform.environments).toEqual([]);
  expect(await state()).toMatchObject({ status: 'ready', reference: 'vm-7', restorerId });
});

describe('a target VM that is to be removed', () => {
  const remove: TargetVmCommand = { type: 'RequestRemoval', targetVmId, taskId: order.taskId };
  const removing = async () => {
    await tell({ type: 'RequestTargetVm', order });
    await react(await last('target-vm-requested'));
    await tell(remove);
    return last('target-vm-removal-requested');
  };

  it('is removed at the hypervisor, and that is recorded, once', async () => {
    const requested = await removing();
    await react(requested);
    await react(requested);
    expect(platform.removed).toEqual([targetVmId]);
    expect(await state()).toMatchObject({ status: 'removed' });
  });

  it('is not made any more, and removed all the same: an earlier call may have made it before its reply was lost', async () => {
    platform.failure = new TransientError('the reply was lost');
    await tell({ type: 'RequestTargetVm', order });
    const requested = await last('target-vm-requested');
    await expect(react(requested)).rejects.toBe(platform.failure);
    platform.failure = null;
    await tell(remove);
    await react(requested);
    await react(await last('target-vm-removal-requested'));
    expect([platform.orders, platform.removed]).toEqual([[], [targetVmId]]);
    expect(await typesOf()).toEqual(['target-vm-requested', 'target-vm-removal-requested', 'target-vm-removed']);
  });

  it('is removed again by whoever was making it, when the removal was carried out meanwhile', async () => {
    await tell({ type: 'RequestTargetVm', order });
    platform.meanwhile = async () => {
      await tell(remove);
      await react(await last('target-vm-removal-requested'));
    };
    await react(await last('target-vm-requested'));
    expect(platform.removed).toEqual([targetVmId, targetVmId]);
    await react(await last('target-vm-removal-requested'));
    expect(await state()).toMatchObject({ status: 'removed', reference: 'vm-7' });
    expect((await typesOf()).slice(-3)).toEqual([
      'target-vm-created',
      'target-vm-removal-requested',
      'target-vm-removed',
    ]);
  });

  it('stays when the hypervisor refuses for good, which is shown, and is tried again when it is asked for again', async () => {
    const requested = await removing();
    platform.failure = new PermanentError('read-only');
    await react(requested);
    expect(await state()).toMatchObject({ status: 'removing', failure: { detail: 'read-only' } });
    platform.failure = null;
    await react(requested);
    expect(platform.removed).toEqual([]);
    await tell(remove);
    await react(await last('target-vm-removal-requested'));
    expect(await state()).toMatchObject({ status: 'removed', failure: null });
  });

  it('is tried again when the failure may pass', async () => {
    const requested = await removing();
    platform.failure = new TransientError('away');
    await expect(react(requested)).rejects.toBe(platform.failure);
    expect(await state()).toMatchObject({ status: 'removing', failure: null });
  });

  it('asks nothing of the hypervisor when it was never asked for', async () => {
    await tell(remove);
    for (const event of await history()) await react(event);
    expect(platform.removed).toEqual([]);
    expect(await typesOf()).toEqual(['target-vm-removed']);
  });
});

it('other events of a target VM ask nothing of the hypervisor', async () => {
  await bootable();
  for (const event of await history()) {
    if (!event.storedType.includes('requested')) await react(event);
  }
  expect([platform.orders, platform.booted]).toEqual([[], []]);
});
