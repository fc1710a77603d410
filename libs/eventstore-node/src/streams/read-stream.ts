import type { PageLimit } from '../storage/event-rows.js';
import type { EventLog } from '../storage/event-log.js';
import { NO_REVISION, type LogRecord } from '../storage/record.js';
import { isHidden, type StreamState } from '../storage/stream-states.js';

/** One page: enough to keep the wire busy, little enough for the other clients and the memory. */
export const READ_PAGE: PageLimit = { events: 256, bytes: 128 * 1024 };

export type StreamPresence = 'present' | 'not-found' | 'deleted';

export function presenceOf(state: StreamState): StreamPresence {
  if (state.tombstoned) return 'deleted';
  return state.last === NO_REVISION || isHidden(state) ? 'not-found' : 'present';
}

/**
 * The lowest revision of the stream that may be read now. May lie behind the newest event: then nothing is readable.
 *
 * @param nowMs for `$maxAge`, milliseconds since the Unix epoch
 */
export function firstReadable(log: EventLog, state: StreamState, nowMs: number): number {
  const { maxCount, maxAgeMs, truncateBefore } = state.metadata;
  const byCount = maxCount === undefined ? 0 : state.last + 1 - maxCount;
  const lowest = Math.max(0, byCount, truncateBefore ?? 0);
  return maxAgeMs === undefined ? lowest : firstYoungerThan(log, state, lowest, nowMs - maxAgeMs);
}

/** Creation times never decrease along the log, so the border can be searched by halving. */
function firstYoungerThan(log: EventLog, state: StreamState, lowest: number, bornAfterMs: number): number {
  if (state.id === undefined) return lowest;
  let low = lowest;
  let high = state.last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const createdMs = log.rows.createdMs(state.id, middle);
    if (createdMs !== undefined && createdMs >= bornAfterMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The readable events of a stream from revision `from` upwards. */
export function readForward(
  log: EventLog,
  state: StreamState,
  from: number,
  limit: PageLimit,
  nowMs: number,
): LogRecord[] {
  if (state.id === undefined) return [];
  const start = Math.max(from, firstReadable(log, state, nowMs));
  return start > state.last ? [] : log.rows.forward(state.id, start, state.last, limit);
}

/** The readable events of a stream from revision `from` downwards. */
export function readBackward(
  log: EventLog,
  state: StreamState,
  from: number,
  limit: PageLimit,
  nowMs: number,
): LogRecord[] {
  if (state.id === undefined) return [];
  const start = Math.min(from, state.last);
  const lowest = firstReadable(log, state, nowMs);
  return start < lowest ? [] : log.rows.backward(state.id, start, lowest, limit);
}
