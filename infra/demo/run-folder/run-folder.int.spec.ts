import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imagesAttachedUnder } from '../machine/loop-device.js';
import { mountPointsUnder } from '../machine/mount-point.js';
import { endProcess } from '../machine/end-process.js';
import { type ProcessIdentity, identityOf, isRunning } from '../machine/process-identity.js';
import { ProgramFailed, runProgramToEnd, startProgram } from '../programs/program.js';
import { createSourceDisk } from '../source-disk/index.js';
import { makeRunFolder } from './run-folder.js';

const SLEEPER = ['-e', 'setInterval(() => undefined, 1000)'];

describe('the folder of a run', () => {
  let root: string;
  const started: ProcessIdentity[] = [];

  const startSleeper = async (): Promise<ProcessIdentity> => {
    const child = spawn(process.execPath, SLEEPER, { stdio: 'ignore', detached: true });
    const identity = await identityOf(child.pid!);
    started.push(identity!);
    return identity!;
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'landfall-run-folder-'));
  });

  afterEach(async () => {
    for (const identity of started.splice(0)) await endProcess(identity, 1_000);
    await makeRunFolder(root, 'last');
    await rm(root, { recursive: true, force: true });
  });

  it('takes over from a run that crashed: programs, restore environments, mounts, loop devices, files', async () => {
    const crashed = join(root, 'crashed');
    const vmFolder = join(crashed, 'server/target-vms/vm');
    await mkdir(vmFolder, { recursive: true });
    await createSourceDisk({ folder: crashed, sizeMiB: 32, fileCount: 10, seed: 'x' });
    const program = await startSleeper();
    const restorer = await startSleeper();
    await writeFile(join(crashed, 'agent.pid.json'), JSON.stringify(program));
    await writeFile(join(vmFolder, 'vm.json'), JSON.stringify({ name: 'x', boot: 'disk', restorer }));
    await writeFile(join(crashed, 'server.pid.json'), '{"pid": 12');
    await writeFile(join(crashed, 'owner.json'), JSON.stringify({ pid: process.pid, startedAtTicks: '1' }));

    const folder = await makeRunFolder(root, 'next');

    expect(await readdir(root)).toEqual(['next']);
    expect(folder).toBe(join(root, 'next'));
    expect(await mountPointsUnder(root)).toEqual([]);
    expect(await imagesAttachedUnder(root)).toEqual([]);
    expect([await isRunning(program), await isRunning(restorer)]).toEqual([false, false]);
  });

  it('does not end a process that only has the same id as one of the crashed run', async () => {
    const stranger = await startSleeper();
    await mkdir(join(root, 'crashed'));
    await writeFile(join(root, 'crashed/agent.pid.json'), JSON.stringify({ pid: stranger.pid, startedAtTicks: '1' }));
    await makeRunFolder(root, 'next');
    expect(await isRunning(stranger)).toBe(true);
  });

  it('leaves a run alone whose program still runs', async () => {
    await makeRunFolder(root, 'mine');
    await makeRunFolder(root, 'next');
    expect((await readdir(root)).sort()).toEqual(['mine', 'next']);
    // Neither is a crashed run, so that the clean-up below needs to be told.
    await rm(join(root, 'mine'), { recursive: true });
    await rm(join(root, 'next'), { recursive: true });
  });
});

describe('a program of the demo', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-program-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is missed when it ends by itself, with its last words, and not when it was stopped', async () => {
    const lost = await startProgram({ name: 'short', args: ['-e', 'console.log("no disk"); process.exit(3)'], folder });
    const reason = await new Promise<ProgramFailed>((resolve) => lost.onLost(resolve));
    expect(reason.message).toMatch(/^short ended \(3\)/);
    expect(reason.message).toContain('no disk');

    const losses: ProgramFailed[] = [];
    const stopped = await startProgram({ name: 'long', args: SLEEPER, folder });
    stopped.onLost((loss) => losses.push(loss));
    expect(await readdir(folder)).toContain('long.pid.json');
    await stopped.stop();
    await stopped.stop();
    expect(await readdir(folder)).not.toContain('long.pid.json');
    expect(losses).toEqual([]);
  });

  it('fails with its exit code when it is to run to its end', async () => {
    await runProgramToEnd({ name: 'good', args: ['-e', ''], folder });
    const bad = runProgramToEnd({ name: 'bad', args: ['-e', 'process.exit(7)'], folder });
    await expect(bad).rejects.toThrow('bad ended (7)');
  });
});
