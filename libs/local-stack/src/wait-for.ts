import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Asks again and again until the fact holds.
 *
 * @param boundMs how long to ask, in milliseconds
 * @returns whether the fact came to hold in time
 */
export async function waitFor(isFact: () => Promise<boolean>, boundMs: number): Promise<boolean> {
  const deadline = performance.now() + boundMs;
  while (!(await isFact())) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
