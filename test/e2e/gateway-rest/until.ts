import { setTimeout as delay } from 'node:timers/promises';

const DEFAULT_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;

/**
 * Waits for a fact.
 * @returns what was found
 * @throws Error when it is not found in time
 */
export const until = async <Found>(
  what: string,
  look: () => Promise<Found | null | false> | Found | null | false,
  withinMs = DEFAULT_WITHIN_MS,
): Promise<Found> => {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await delay(LOOK_EVERY_MS);
  }
};
