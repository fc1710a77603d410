const POLL_MS = 10;

/**
 * Waits until a fact holds.
 * @param fact anything but false, null and undefined means that it holds, and is returned
 * @throws Error that names the fact when it does not hold within the bound
 */
export const until = async <T>(
  what: string,
  fact: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  withinMs = 15_000,
): Promise<T> => {
  for (const deadline = Date.now() + withinMs; ;) {
    const found = await fact();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() >= deadline) throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
