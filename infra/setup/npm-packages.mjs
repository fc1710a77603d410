/** Decides whether npm has to install, from what npm itself recorded. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * npm writes `node_modules/.package-lock.json` last, so it tells what a finished install put there.
 * Optional packages may be absent: most of them are binaries for other kinds of machines.
 *
 * @param {{packages?: Record<string, {version?: string, optional?: boolean, peer?: boolean}>}} lock package-lock.json
 * @param {{packages?: Record<string, {version?: string}>}} installed node_modules/.package-lock.json
 * @returns {boolean}
 */
export function isInstalledAsLocked(lock, installed) {
  return Object.entries(lock.packages ?? {}).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed.packages?.[path];
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version;
  });
}

/**
 * @param {string} root the project's folder
 * @returns {string[] | undefined} arguments for npm, or undefined when nothing is to be done
 */
export function npmInstallArguments(root) {
  const lockFile = join(root, 'package-lock.json');
  const installedFile = join(root, 'node_modules/.package-lock.json');
  // Install scripts are not run: no package of ours needs one, and older npm does not know `allowScripts`.
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!existsSync(lockFile)) return existsSync(installedFile) ? undefined : ['install', ...options];
  const isDone =
    existsSync(installedFile) &&
    existsSync(join(root, 'node_modules/.bin/node')) &&
    isInstalledAsLocked(readJson(lockFile), readJson(installedFile));
  return isDone ? undefined : ['ci', ...options];
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
