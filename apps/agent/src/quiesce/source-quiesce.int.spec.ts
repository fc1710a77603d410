import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeDisk } from '../round/round-fixture.fake.js';
import { SourceQuiesce } from './source-quiesce.js';

describe.runIf(process.getuid?.() === 0)('SourceQuiesce on a real ext4', () => {
  let folder: string;
  let device: string;
  let mountPoint: string;
  const warnings: string[] = [];
  const quiesce = (ownFolders: readonly string[]): SourceQuiesce =>
    new SourceQuiesce({ ownFolders, log: (_level, message) => warnings.push(message) });
  /** `fsfreeze` refuses to thaw what is not frozen. */
  const isFrozen = (): boolean => {
    try {
      execFileSync('fsfreeze', ['--unfreeze', mountPoint], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-quiesce-'));
    const image = join(folder, 'image');
    writeFileSync(image, '');
    truncateSync(image, 32 * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    mountPoint = join(folder, 'mount');
    mkdirSync(mountPoint);
    execFileSync('mount', [device, mountPoint]);
  });
  afterAll(() => {
    execFileSync('umount', [mountPoint]);
    execFileSync('losetup', ['--detach', device]);
    rmSync(folder, { recursive: true });
  });

  it('holds a file system on the disks', async () => {
    const { held, notHeld } = await quiesce([folder]).hold([fakeDisk('a', 10, mountPoint)]);
    expect(notHeld).toEqual([]);
    expect(isFrozen()).toBe(true);
    expect(await held.release()).toBe(false);
  });

  it('does not hold the file system that the agent writes to, nor the root, and says so', async () => {
    warnings.length = 0;
    const disks = [fakeDisk('a', 10, mountPoint), fakeDisk('b', 10, '/')];
    const { held, notHeld } = await quiesce([mountPoint]).hold(disks);
    expect(notHeld).toEqual([mountPoint, '/']);
    expect(isFrozen()).toBe(false);
    expect(await held.release()).toBe(true);
    expect(warnings).toHaveLength(2);
  });

  it('holds one file system while its map is read, unless the agent writes to it or it cannot be frozen', async () => {
    const disk = fakeDisk('a', 10, mountPoint);
    const held = await quiesce([folder]).holdForMap(disk, mountPoint);
    expect(held?.mountPoints).toEqual([mountPoint]);
    expect(await quiesce([folder]).holdForMap(disk, mountPoint)).toBeNull();
    expect(await held?.release()).toBe(true);
    expect(isFrozen()).toBe(false);
    expect(await quiesce([mountPoint]).holdForMap(disk, mountPoint)).toBeNull();
    expect(await quiesce([folder]).holdForMap(disk, '/elsewhere')).toBeNull();
    expect(isFrozen()).toBe(false);
  });

  it('passes over what is not mounted any more', async () => {
    const gone = join(folder, 'gone');
    const disks = [fakeDisk('a', 10, gone), fakeDisk('b', 10, mountPoint)];
    await quiesce([folder]).flush(disks);
    mkdirSync(gone);
    const { held } = await quiesce([folder]).hold(disks);
    expect(held.mountPoints).toEqual([mountPoint]);
    expect(await held.release()).toBe(true);
  });
});
