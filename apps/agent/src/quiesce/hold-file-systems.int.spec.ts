import { EndpointFailure } from '#libs/block-transfer';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { holdFileSystems } from './hold-file-systems.js';
import { HOLD_SCRIPT } from './hold-script.js';

const waitFor = <T>(fact: () => T): Promise<T> => vi.waitFor(fact, { timeout: 10_000, interval: 10 });

describe('holding file systems, with fsfreeze played by a script', () => {
  let folder: string;
  let diaryPath: string;
  let env: NodeJS.ProcessEnv;
  const diary = (): string[] => readFileSync(diaryPath, 'utf8').split('\n').filter(Boolean);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-hold-'));
    diaryPath = join(folder, 'diary');
    writeFileSync(diaryPath, '');
    // A mount point named "bad..." cannot be frozen, one named "thawed..." was thawed by someone else, and one named
    // "slow..." takes until the test says so.
    const player = `#!/bin/sh
echo "$*" >> "$DIARY"
case "$*" in
  "--freeze "*bad*) echo "fsfreeze: freeze failed: busy" >&2; exit 1 ;;
  "--unfreeze "*thawed*) exit 1 ;;
  "--freeze "*slow*) while [ ! -e "$GO" ]; do sleep 0.02; done; echo "frozen $2" >> "$DIARY" ;;
esac
`;
    writeFileSync(join(folder, 'fsfreeze'), player, { mode: 0o755 });
    env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, DIARY: diaryPath, GO: join(folder, 'go') };
  });
  const finishSlowFreezes = (): void => writeFileSync(join(folder, 'go'), '');
  const killChild = (): void => {
    execFileSync('pkill', ['-KILL', '--parent', String(process.pid), '--full', 'landfall-hold']);
  };
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('freezes all, and thaws all when released', async () => {
    const held = await holdFileSystems(['/a', '/with space'], { env });
    expect(diary()).toEqual(['--freeze /a', '--freeze /with space']);
    expect(await held.release()).toBe(true);
    expect(diary().slice(2)).toEqual(['--unfreeze /a', '--unfreeze /with space']);
    expect(held.lost.aborted).toBe(false);
  });

  it('lets go at the limit by itself, says so, and is then no success any more', async () => {
    const held = await holdFileSystems(['/a'], { env, limitSeconds: 1 });
    await waitFor(() => {
      expect(held.lost.aborted).toBe(true);
    });
    expect(held.lost.reason).toMatchObject({
      code: 'SOURCE_READ_FAILED',
      detail: expect.stringContaining('1 seconds'),
    });
    expect(diary()).toEqual(['--freeze /a', '--unfreeze /a']);
    expect(await held.release()).toBe(false);
  });

  it('holds all or none', async () => {
    const holding = holdFileSystems(['/a', '/bad', '/c'], { env });
    await expect(holding).rejects.toBeInstanceOf(EndpointFailure);
    await expect(holding).rejects.toThrow(/freeze failed: busy/);
    expect(diary()).toEqual(['--freeze /a', '--freeze /bad', '--unfreeze /a']);
  });

  it('thaws nothing when the child cannot be started: what is frozen is somebody else’s', async () => {
    const holding = holdFileSystems(['/a'], { env: { ...env, PATH: folder } });
    await expect(holding).rejects.toThrow('ENOENT');
    // Whatever that would have begun comes to its end before this does.
    execFileSync(join(folder, 'fsfreeze'), ['--last'], { env });
    expect(diary()).toEqual(['--last']);
  });

  it('is no success when someone else thawed in the meantime', async () => {
    const held = await holdFileSystems(['/thawed', '/b'], { env });
    expect(await held.release()).toBe(false);
    expect(diary()).toContain('--unfreeze /b');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
    'goes on holding when the child gets %s, and lets go when asked',
    async (signal) => {
      const held = await holdFileSystems(['/a'], { env });
      execFileSync('pkill', [`-${signal}`, '--parent', String(process.pid), '--full', 'landfall-hold']);
      expect(await held.release()).toBe(true);
      expect(diary()).toEqual(['--freeze /a', '--unfreeze /a']);
    },
  );

  it('lets go itself when the child is killed, and that is no success', async () => {
    const held = await holdFileSystems(['/a'], { env });
    killChild();
    await waitFor(() => {
      expect(held.lost.aborted).toBe(true);
    });
    await waitFor(() => {
      expect(diary()).toEqual(['--freeze /a', '--unfreeze /a']);
    });
    expect(await held.release()).toBe(false);
  });

  describe('while another is being frozen', () => {
    const untilDiary = (...lines: string[]) =>
      waitFor(() => {
        expect(diary()).toEqual(lines);
      });

    it('lets go at the limit, and of that one as soon as it is frozen', async () => {
      const holding = holdFileSystems(['/a', '/slow', '/c'], { env, limitSeconds: 1 });
      await untilDiary('--freeze /a', '--freeze /slow', '--unfreeze /a');
      finishSlowFreezes();
      await expect(holding).rejects.toThrow('could not be frozen within 1 seconds');
      expect(diary().slice(3)).toEqual(['frozen /slow', '--unfreeze /slow']);
    });

    it('lets go when the agent is gone', async () => {
      const child = spawn('sh', ['-c', HOLD_SCRIPT, 'hold', '60', '/a', '/slow', '/c'], {
        env,
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      await untilDiary('--freeze /a', '--freeze /slow');
      child.stdin.end();
      await untilDiary('--freeze /a', '--freeze /slow', '--unfreeze /a');
      finishSlowFreezes();
      await once(child, 'exit');
      expect(diary().slice(3)).toEqual(['frozen /slow', '--unfreeze /slow']);
    });

    it('lets go itself when the child is killed, once more when what that has left behind is done', async () => {
      const holding = holdFileSystems(['/a', '/slow'], { env });
      holding.catch(() => undefined);
      await untilDiary('--freeze /a', '--freeze /slow');
      killChild();
      await expect(holding).rejects.toThrow('without a word');
      await waitFor(() => {
        expect(diary().slice(2).toSorted()).toEqual(['--unfreeze /a', '--unfreeze /slow']);
      });
      finishSlowFreezes();
      await waitFor(() => {
        expect(diary().slice(4).toSorted()).toEqual(['--unfreeze /a', '--unfreeze /slow', 'frozen /slow']);
      });
    });
  });

  it('lets go when the agent is killed', async () => {
    const script = `
      const child = require('node:child_process').spawn('sh', ['-c', process.env.HOLD_SCRIPT, 'hold', '60', '/a'], {
        stdio: ['pipe', 'inherit', 'ignore'],
        detached: true,
      });
      setInterval(() => child.pid, 1000);
    `;
    const agent = spawn(process.execPath, ['-e', script], {
      env: { ...env, HOLD_SCRIPT },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(agent.stdout, 'data');
    expect(diary()).toEqual(['--freeze /a']);
    agent.kill('SIGKILL');
    await waitFor(() => {
      expect(diary()).toEqual(['--freeze /a', '--unfreeze /a']);
    });
  });
});

describe.runIf(process.getuid?.() === 0)('holding a real ext4', () => {
  let folder: string;
  let device: string;
  let mountPoint: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-hold-ext4-'));
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

  it('makes writers wait until it is released', async () => {
    const held = await holdFileSystems([mountPoint]);
    const writer = spawn('sh', ['-c', `echo written > ${mountPoint}/file`], { stdio: 'ignore' });
    const written = once(writer, 'close');
    try {
      // `D`: asleep in the kernel, which is where a write to a frozen file system waits.
      await waitFor(() => {
        expect(readFileSync(`/proc/${writer.pid}/stat`, 'utf8').replace(/^.*\) /, '')).toMatch(/^D/);
      });
    } finally {
      expect(await held.release()).toBe(true);
    }
    expect(await written).toEqual([0, null]);
    expect(readFileSync(join(mountPoint, 'file'), 'utf8')).toBe('written\n');
  });

  it('cannot be unmounted while it is held: nobody could thaw it any more', async () => {
    const held = await holdFileSystems([mountPoint]);
    try {
      expect(() => execFileSync('umount', [mountPoint], { stdio: 'pipe' })).toThrow('busy');
    } finally {
      expect(await held.release()).toBe(true);
    }
  });

  it('can be held again', async () => {
    const held = await holdFileSystems([mountPoint]);
    expect(await held.release()).toBe(true);
  });
});
