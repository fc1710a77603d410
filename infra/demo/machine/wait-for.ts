import { setTimeout as delay } from 'node:timers/promises';

/** A fact did not come to hold in time. */
export class WaitedInVain extends Error {
  override readonly name = 'WaitedInVain';
}

export type WaitLimits = {
  readonly boundMs: number;
  readonly pollMs?: number;
  /** Ends the wait early; its reason is thrown. */
  readonly signal?: AbortSignal;
};

/**
 * Asks until there is an answer.
 *
 * @param what the awaited fact, as it ends the sentence "waited in vain for ..."
 * @param ask returns undefined while there is no answer
 * @throws WaitedInVain after `boundMs`; whatever `ask` throws
 */
export async function waitFor<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  { boundMs, pollMs = 50, signal }: WaitLimits,
): Promise<Answer> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new WaitedInVain(`waited in vain for ${what} (${boundMs / 1000} s)`);
    await delay(pollMs, undefined, { signal });
  }
}
