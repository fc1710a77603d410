/** First wait after a lost connection; doubles with each further attempt. */
export const BACKOFF_BASE_MS = 500;
/** Short enough that a server which comes back right before a cutover costs the cutover little. */
export const BACKOFF_MAX_MS = 8_000;
/** A connection that held this long ends a series of attempts. */
export const STABLE_CONNECTION_MS = 10_000;

/**
 * The wait before an attempt to connect: exponential, and spread over its upper half so that a thousand ends do not
 * come back to a restarted server in the same moment.
 * @param attempt 0 for the first attempt after a working connection
 * @param random in [0, 1)
 */
export function backoffDelayMs(attempt: number, random: number): number {
  const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs * (0.5 + random / 2));
}
