import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import type { RestoreEnvironment, TargetVmOrder } from '#libs/hci';
import { describeHciDriver } from './hci-driver.suite.js';
import { StubPlatform } from './stub-platform.js';

describeHciDriver('local-process', () => StubPlatform.open());

describe('the local-process driver', () => {
  let platform: StubPlatform;
  let order: TargetVmOrder;
  let folder: string;
  beforeEach(async () => {
    platform = await StubPlatform.open();
    const targetVmId = randomUUID();
    folder = platform.machineFolder(targetVmId);
    order = {
      ...{ targetVmId, name: 'landfall-local', cpuCount: 1, memoryBytes: 1_073_741_824 },
      disks: [{ diskId: 'sda', sizeBytes: 1_048_576 }],
    };
  });
  afterEach(() => platform.close());
  const ensure = (driver = platform.driver(), wanted = order): Promise<{ reference: string }> =>
    driver.ensureInRestoreEnvironment(wanted, environment);
  const environment = async (): Promise<RestoreEnvironment> => ({ serverUrl: 'http://127.0.0.1:9', token: 'one-time' });
  const vmJson = async (): Promise<{ restorer: unknown }> =>
    JSON.parse(await readFile(join(folder, 'vm.json'), 'utf8')) as { restorer: unknown };

  it('knows a restorer again that was started by a call that died before it wrote that down', async () => {
    await ensure();
    const written = await vmJson();
    await writeFile(join(folder, 'vm.json'), JSON.stringify({ ...written, restorer: null }));
    await ensure();
    expect(await platform.find(order.targetVmId)).toMatchObject({ runs: 'restore-environment', starts: 1 });
    expect(await vmJson()).toEqual(written);
    await writeFile(join(folder, 'vm.json'), JSON.stringify({ ...written, restorer: null }));
    await platform.driver().remove(order.targetVmId);
    expect(await platform.find(order.targetVmId)).toBeNull();
  });

  it('leaves a process alone that has the number of an earlier restorer', async () => {
    await ensure();
    await platform.crash(order.targetVmId);
    const restorer = { pid: process.pid, startedAtTicks: '1' };
    await writeFile(join(folder, 'vm.json'), JSON.stringify({ ...(await vmJson()), restorer }));
    await platform.driver().bootFromDisk(order.targetVmId);
    expect(await platform.find(order.targetVmId)).toMatchObject({ runs: 'disk' });
  });

  it('finishes a removal that was cut off', async () => {
    await ensure();
    await rm(join(folder, 'disks'), { recursive: true });
    await rm(join(folder, 'restorer.json'));
    await writeFile(join(folder, 'vm.json.77.new'), '{');
    await platform.driver().remove(order.targetVmId);
    expect(existsSync(folder)).toBe(false);
  });

  it('removes what it made, and nothing that lies beside it', async () => {
    await ensure();
    await writeFile(join(folder, 'notes.txt'), 'mine');
    for (const _time of ['first', 'second']) {
      await platform.driver().remove(order.targetVmId);
      expect(await platform.find(order.targetVmId)).toMatchObject({ disks: [], runs: 'nothing' });
    }
    expect(await readFile(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it("takes over no folder that is not its own, and doesn't remove it", async () => {
    await mkdir(join(folder, 'disks'), { recursive: true });
    await writeFile(join(folder, 'disks', 'sda.img'), 'somebody else');
    await expect(ensure()).rejects.toBeInstanceOf(PermanentError);
    await platform.driver().remove(order.targetVmId);
    expect(await readFile(join(folder, 'disks', 'sda.img'), 'utf8')).toBe('somebody else');
  });

  it('goes on with a folder that a crash left empty', async () => {
    await mkdir(folder, { recursive: true });
    await ensure();
    expect(await platform.find(order.targetVmId)).toMatchObject({ runs: 'restore-environment' });
  });

  it.each(['..', '', 'x', '../../etc'])('takes "%s" for no machine', async (targetVmId) => {
    await expect(ensure(platform.driver(), { ...order, targetVmId })).rejects.toBeInstanceOf(PermanentError);
    await expect(platform.driver().remove(targetVmId)).rejects.toBeInstanceOf(PermanentError);
  });

  it('says that a person has to look when the restorer ends by itself before it has enrolled', async () => {
    await platform.nextStart('ends');
    const failure = ensure();
    await expect(failure).rejects.toBeInstanceOf(PermanentError);
    await expect(failure).rejects.toThrow(`ended with 78; see ${folder}`);
  });

  it('may be asked again when the restorer could not even be started', async () => {
    await expect(ensure(platform.driver('/nowhere/node'))).rejects.toBeInstanceOf(TransientError);
    await ensure();
    expect(await platform.find(order.targetVmId)).toMatchObject({ runs: 'restore-environment', starts: 1 });
  });

  it('does nothing with a machine whose file makes no sense', async () => {
    await ensure();
    await writeFile(join(folder, 'vm.json'), '{}');
    const driver = platform.driver();
    const { targetVmId } = order;
    for (const call of [() => ensure(), () => driver.bootFromDisk(targetVmId), () => driver.remove(targetVmId)]) {
      await expect(call()).rejects.toBeInstanceOf(PermanentError);
    }
    expect(await platform.find(order.targetVmId)).toMatchObject({ runs: 'restore-environment' });
  });

  it('takes what the file system refuses for good for good', async () => {
    await mkdir(join(folder, '..'), { recursive: true });
    await writeFile(folder, 'a file in the place of the folder');
    await expect(ensure()).rejects.toBeInstanceOf(PermanentError);
  });
});
