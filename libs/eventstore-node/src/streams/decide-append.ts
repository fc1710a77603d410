import { isHidden, type StreamState } from '../storage/stream-states.js';
import { NO_REVISION } from '../storage/record.js';
import type { WrittenAt } from '../storage/recent-events.js';

/** What the caller expects the newest revision of the stream to be. */
export type ExpectedRevision = 'any' | 'no-stream' | 'stream-exists' | number;

export type AppendDecision =
  | { readonly kind: 'write' }
  | { readonly kind: 'replay'; readonly lastRevision: number }
  | { readonly kind: 'wrong-expected-revision'; readonly actual: number }
  | { readonly kind: 'stream-deleted' };

/** What the log can tell about events already written. */
export interface WrittenEvents {
  /** Id of the event of this stream at `revision`, readable or not. */
  readonly idAt: (revision: number) => string | undefined;
  /** Where an event with this id was written lately. */
  readonly recent: (id: string) => WrittenAt | undefined;
}

/**
 * Decides on an append. A repeat of an append that was written is recognised before the revision is compared, so
 * that a caller who never saw the answer gets it now.
 *
 * @param metadataExists whether the stream has metadata: then it "exists" even without events
 */
export function decideAppend(
  stream: StreamState,
  metadataExists: boolean,
  expected: ExpectedRevision,
  ids: readonly string[],
  written: WrittenEvents,
): AppendDecision {
  if (stream.tombstoned) return { kind: 'stream-deleted' };
  if (expected === 'any') return decideUnversioned(stream, ids, written);
  if (expected === 'stream-exists') {
    if (isHidden(stream)) return { kind: 'stream-deleted' };
    if (stream.last === NO_REVISION && !metadataExists) return wrong(stream);
    return decideUnversioned(stream, ids, written);
  }
  const revision = expected === 'no-stream' ? NO_REVISION : expected;
  if (revision > stream.last) return wrong(stream);
  if (revision === stream.last) return { kind: 'write' };
  return decideReplay(stream, revision, ids, written);
}

/** The caller expects an older revision: right only if exactly these events follow it. */
function decideReplay(
  stream: StreamState,
  expected: number,
  ids: readonly string[],
  written: WrittenEvents,
): AppendDecision {
  for (const [index, id] of ids.entries()) {
    const revision = expected + 1 + index;
    if (revision <= stream.last && written.idAt(revision) === id) continue;
    const startsAnew = index === 0 && expected === NO_REVISION && isHidden(stream);
    return startsAnew ? { kind: 'write' } : wrong(stream);
  }
  return ids.length === 0 ? wrong(stream) : { kind: 'replay', lastRevision: expected + ids.length };
}

function decideUnversioned(stream: StreamState, ids: readonly string[], written: WrittenEvents): AppendDecision {
  let previous: number | undefined;
  for (const id of ids) {
    const at = written.recent(id);
    const follows = at?.stream === stream.name && (previous === undefined || at.revision === previous + 1);
    if (at === undefined || !follows) return previous === undefined ? { kind: 'write' } : wrong(stream);
    previous = at.revision;
  }
  return previous === undefined ? { kind: 'write' } : { kind: 'replay', lastRevision: previous };
}

const wrong = (stream: StreamState): AppendDecision => ({ kind: 'wrong-expected-revision', actual: stream.last });
