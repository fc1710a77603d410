/** One set-up at a time in a project folder: two installs at once would destroy each other's work. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const MAX_WAIT_MS = 20 * 60_000;
const POLL_MS = 250;

/**
 * When the process with this id started, in clock ticks since boot; with it an id that was given anew is not
 * taken for the old process.
 * @param {string} stat content of /proc/<pid>/stat
 * @returns {string | undefined}
 */
export function startTimeOf(stat) {
  // The second field is the program's name in parentheses and may contain anything, so count from its end.
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .at(19);
}

function identityOf(pid) {
  try {
    return `${pid} ${startTimeOf(readFileSync(`/proc/${pid}/stat`, 'utf8'))}`;
  } catch {
    return undefined;
  }
}

function isHeld(lockFile) {
  const holder = readFileSync(lockFile, 'utf8').trim();
  return holder === '' || identityOf(holder.split(' ')[0]) === holder;
}

function tryToTake(lockFile) {
  try {
    writeFileSync(lockFile, `${identityOf(process.pid)}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (existsSync(lockFile) && !isHeld(lockFile)) rmSync(lockFile, { force: true });
    return false;
  }
}

/**
 * @param {string} lockFile
 * @param {() => void} onWait called once when another set-up is running
 * @returns {Promise<() => void>} releases the lock
 * @throws Error when the other set-up did not end in time
 */
export async function takeSetupLock(lockFile, onWait) {
  mkdirSync(dirname(lockFile), { recursive: true });
  const deadline = Date.now() + MAX_WAIT_MS;
  for (let tries = 0; !tryToTake(lockFile); tries += 1) {
    if (tries === 1) onWait();
    if (Date.now() > deadline) throw new Error(`another set-up holds ${lockFile} for more than ${MAX_WAIT_MS} ms`);
    await delay(POLL_MS);
  }
  return () => rmSync(lockFile, { force: true });
}
