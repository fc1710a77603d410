import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PACKAGE = '@napi-rs/blake-hash';
/** What the package is built for, of the machines that ends run on. */
export const PLATFORMS = ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl'];

const fileOf = (platform) => `blake.${platform}.node`;

/**
 * Puts the native add-ons beside the bundles: those that are installed, which is that of this machine, or those of all
 * platforms, which asks the package registry for the others.
 * @param {string} root of the project
 * @param {string} folder of the bundles
 * @param {boolean} isForAll
 * @returns {Promise<string[]>} the platforms whose add-on is there
 */
export async function placeAddOns(root, folder, isForAll) {
  const placed = [];
  for (const platform of PLATFORMS) {
    const installed = join(root, 'node_modules', `${PACKAGE}-${platform}`, fileOf(platform));
    if (existsSync(installed)) await copyFile(installed, join(folder, fileOf(platform)));
    else if (!isForAll || !(await fetchAddOn(root, folder, platform))) continue;
    placed.push(platform);
  }
  return placed;
}

/**
 * npm installs only what fits this machine; the lock file names the others all the same, and what is in them.
 * @returns {Promise<boolean>} false when there is no such package
 */
async function fetchAddOn(root, folder, platform) {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const locked = packages[`node_modules/${PACKAGE}-${platform}`];
  if (locked === undefined) return false;
  const { version, integrity } = locked;
  const work = await mkdtemp(join(tmpdir(), 'landfall-add-on-'));
  try {
    const { stdout } = await run('npm', ['pack', `${PACKAGE}-${platform}@${version}`, '--json'], { cwd: work });
    const archive = join(work, JSON.parse(stdout)[0].filename);
    const digest = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (integrity !== `sha512-${digest}`) throw new Error(`${PACKAGE}-${platform} is not what package-lock.json names`);
    await run('tar', ['-xzf', archive, '-C', work, `package/${fileOf(platform)}`]);
    await copyFile(join(work, 'package', fileOf(platform)), join(folder, fileOf(platform)));
    return true;
  } finally {
    await rm(work, { recursive: true });
  }
}
