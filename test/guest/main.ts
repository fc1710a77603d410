/**
 * Migrates file systems that only a guest's kernel mounts, and others, out of a running guest that writes to them.
 *
 *   npm run guest:maps -- [--only name] [--seed 1] [--keep]
 *
 * Starts guests with QEMU, without hardware support. `--keep` leaves the disks of a failed migration. Exit code 1 when
 * one has failed.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FILE_SYSTEMS } from './file-systems.js';
import { migrateLive } from './live-migration.js';
import { makeGuestImage } from './machine/guest-image.js';
import { guestKernel } from './machine/guest-kernel.js';
import type { GuestSystem } from './machine/virtual-machine.js';

/** This runs compiled, from `dist/test/guest`. */
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const wanted = FILE_SYSTEMS.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
const isUnknown = (name: string): boolean => FILE_SYSTEMS.every((fileSystem) => fileSystem.name !== name);
if (!Number.isSafeInteger(seed) || values.only.some(isUnknown)) {
  say(`--seed is a whole number; --only is one of: ${FILE_SYSTEMS.map(({ name }) => name).join('; ')}`);
  process.exitCode = 2;
} else {
  const failed = await migrateAll();
  say(`${wanted.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function migrateAll(): Promise<number> {
  const cache = join(root, '.landfall/guest');
  await mkdir(cache, { recursive: true });
  const kernel = await guestKernel(cache);
  const folder = await mkdtemp(join(tmpdir(), 'landfall-guest-'));
  let failed = 0;
  process.once('exit', () => {
    if (failed === 0 || !values.keep) rmSync(folder, { recursive: true, force: true });
    else say(`kept: ${folder}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  say(`guest: kernel ${kernel.version}, seed ${seed}`);
  const system = { kernel: kernel.image, initramfs: await makeGuestImage(root, folder, kernel) };
  for (const fileSystem of wanted) if (!(await migrate(fileSystem, system, folder))) failed += 1;
  return failed;
}

async function migrate(
  fileSystem: (typeof FILE_SYSTEMS)[number],
  system: GuestSystem,
  folder: string,
): Promise<boolean> {
  const own = await mkdtemp(join(folder, 'migration-'));
  const started = Date.now();
  say(`guest: ${fileSystem.name}`);
  const settings = { system, folder: own, seed, say: (line: string) => say(`  ${line}`) };
  const failure = await migrateLive(fileSystem, settings).then(
    () => null,
    (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)),
  );
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  if (failure === null) {
    say(`guest: ${fileSystem.name}: passed (${seconds} s)`);
    await rm(own, { recursive: true });
    return true;
  }
  say(failure);
  say(`guest: ${fileSystem.name}: FAILED (${seconds} s), ${own}`);
  return false;
}
