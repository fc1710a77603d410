import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { HciDriver, RestoreEnvironment, TargetVmOrder } from '#libs/hci';
import { until } from '#libs/testing';

/** What becomes of a restore environment that is started. */
export type StartOfRestorer = 'enrols' | 'dies-before-enrolling' | 'dies-after-enrolling';

/** A machine as it is found at the platform. */
export interface FoundMachine {
  readonly disks: readonly { readonly diskId: string; readonly sizeBytes: number }[];
  /** What runs in it now. */
  readonly runs: 'restore-environment' | 'disk' | 'nothing';
  /** How often a restore environment was started in it. */
  readonly starts: number;
}

export interface PlatformUnderTest {
  /** The driver as a service has it that was just started: a service that dies forgets, the platform does not. */
  readonly driver: () => HciDriver;
  /** Looks without the driver. @returns null when nothing of the machine is there */
  readonly find: (targetVmId: string) => Promise<FoundMachine | null>;
  /** What runs in the machine dies, and is dead when this resolves. */
  readonly crash: (targetVmId: string) => Promise<void>;
  readonly nextStart: (start: StartOfRestorer) => Promise<void>;
  readonly close: () => Promise<void>;
}

const MIB = 1024 * 1024;

const someOrder = (): TargetVmOrder => ({
  targetVmId: randomUUID(),
  name: 'landfall-contract',
  cpuCount: 2,
  memoryBytes: 1024 * MIB,
  disks: [
    { diskId: 'wwn-0x5000c500a1b2c3d4', sizeBytes: 8 * MIB },
    { diskId: '/dev/disk by path/ä', sizeBytes: 3 * MIB + 512 },
  ],
});

/** What the services rely on with any hypervisor; for every driver alike. */
export const describeHciDriver = (name: string, open: () => Promise<PlatformUnderTest>): void => {
  describe(`a hypervisor, driven by ${name}`, () => {
    let platform: PlatformUnderTest;
    let order: TargetVmOrder;
    let asked: number;
    beforeEach(async () => {
      platform = await open();
      order = someOrder();
      asked = 0;
    });
    afterEach(() => platform.close());

    const environment = async (): Promise<RestoreEnvironment> => {
      asked += 1;
      return { serverUrl: 'http://127.0.0.1:9', token: `token-${asked}` };
    };
    const ensure = (of = order): Promise<{ reference: string }> =>
      platform.driver().ensureInRestoreEnvironment(of, environment);
    const found = async (of = order): Promise<FoundMachine | null> => {
      const machine = await platform.find(of.targetVmId);
      return machine && { ...machine, disks: sorted(machine.disks) };
    };
    const boot = (of = order): Promise<void> => platform.driver().bootFromDisk(of.targetVmId);
    const remove = (of = order): Promise<void> => platform.driver().remove(of.targetVmId);
    /** A machine that was told to start takes its time, and so does one that dies. */
    const untilItRuns = (what: FoundMachine['runs']): Promise<unknown> =>
      until(`${what} to run in the machine`, async () => (await found())?.runs === what);
    const inRestoreEnvironment = (starts: number): FoundMachine => ({
      disks: sorted(order.disks),
      runs: 'restore-environment',
      starts,
    });

    describe('asked for a machine in its restore environment', () => {
      it('makes it with its disks, and names it', async () => {
        const { reference } = await ensure();
        expect(reference).not.toBe('');
        expect(await found()).toEqual(inRestoreEnvironment(1));
        expect(asked).toBe(1);
      });

      it('makes and starts it once, however often it is asked: the reply may have been lost', async () => {
        const first = await ensure();
        expect([await ensure(), await ensure()]).toEqual([first, first]);
        expect(await found()).toEqual(inRestoreEnvironment(1));
        expect(asked).toBe(1);
      });

      it('keeps machines apart', async () => {
        const other = { ...someOrder(), disks: [{ diskId: 'sda', sizeBytes: MIB }] };
        expect(await ensure(other)).not.toEqual(await ensure());
        expect(await found(other)).toEqual({ disks: other.disks, runs: 'restore-environment', starts: 1 });
        expect(await found()).toEqual(inRestoreEnvironment(1));
      });

      it('passes on what stands in the way of a token, and goes on with the next call', async () => {
        const away = new TransientError('no token to be had');
        const attempt = platform.driver().ensureInRestoreEnvironment(order, () => Promise.reject(away));
        await expect(attempt).rejects.toBe(away);
        await ensure();
        expect(await found()).toEqual(inRestoreEnvironment(1));
      });

      it('starts a restore environment again that has died, without a token: it has its credential', async () => {
        const first = await ensure();
        await platform.crash(order.targetVmId);
        expect(await found()).toMatchObject({ runs: 'nothing' });
        expect(await ensure()).toEqual(first);
        await untilItRuns('restore-environment');
        expect(await found()).toEqual(inRestoreEnvironment(2));
        expect(asked).toBe(1);
      });

      it('does so as well when it died right after it had enrolled, before anybody could look', async () => {
        await platform.nextStart('dies-after-enrolling');
        await ensure().catch(expectToPass);
        await untilItRuns('nothing');
        await ensure();
        await untilItRuns('restore-environment');
        expect(await found()).toEqual(inRestoreEnvironment(2));
        expect(asked).toBe(1);
      });

      it('gives another token to one that died before it had enrolled', async () => {
        await platform.nextStart('dies-before-enrolling');
        await ensure().catch(expectToPass);
        await untilItRuns('nothing');
        await ensure();
        await untilItRuns('restore-environment');
        expect(await found()).toEqual(inRestoreEnvironment(2));
        expect(asked).toBe(2);
      });
    });

    describe('asked to boot a machine from its disk', () => {
      it('ends the restore environment for it and keeps the disks, once', async () => {
        await ensure();
        await boot();
        const booted = { disks: sorted(order.disks), runs: 'disk', starts: 1 };
        expect(await found()).toEqual(booted);
        await boot();
        expect(await found()).toEqual(booted);
      });

      it('does not need the restore environment to be alive', async () => {
        await ensure();
        await platform.crash(order.targetVmId);
        await boot();
        expect(await found()).toMatchObject({ runs: 'disk' });
      });

      it('never leads back into the restore environment', async () => {
        const first = await ensure();
        await boot();
        expect(await ensure()).toEqual(first);
        expect(await found()).toMatchObject({ runs: 'disk', starts: 1 });
      });

      it('cannot, when there is no such machine', async () => {
        await expect(boot()).rejects.toBeInstanceOf(PermanentError);
      });
    });

    describe('asked to remove a machine', () => {
      it('removes it and its disks, once, and no other', async () => {
        const other = someOrder();
        await ensure();
        await ensure(other);
        await remove();
        await remove();
        expect(await found()).toBeNull();
        expect(await found(other)).toMatchObject({ disks: sorted(other.disks), runs: 'restore-environment' });
      });

      it('is done when there is no such machine', async () => {
        await remove();
        expect(await found()).toBeNull();
      });

      it('removes one that is dead', async () => {
        await ensure();
        await platform.crash(order.targetVmId);
        await remove();
        expect(await found()).toBeNull();
      });

      it('removes one that boots from its disk', async () => {
        await ensure();
        await boot();
        await remove();
        expect(await found()).toBeNull();
        await expect(boot()).rejects.toBeInstanceOf(PermanentError);
      });

      it('removes one that was never started', async () => {
        const refusal = new PermanentError('no token for this one');
        const attempt = platform.driver().ensureInRestoreEnvironment(order, () => Promise.reject(refusal));
        await expect(attempt).rejects.toBe(refusal);
        await remove();
        expect(await found()).toBeNull();
      });
    });
  });
};

const sorted = (disks: FoundMachine['disks']): FoundMachine['disks'] =>
  disks.toSorted((one, other) => one.diskId.localeCompare(other.diskId));

/** Whether the call noticed the death or not, it must not say that repeating is useless. */
const expectToPass = (error: unknown): void => {
  expect(error).toBeInstanceOf(TransientError);
};
