import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamState } from '../storage/stream-states.js';
import { decideAppend, type ExpectedRevision } from './decide-append.js';
import { NO_METADATA, SOFT_DELETED } from './stream-metadata.js';

const stream = (ids: readonly string[], changes: Partial<StreamState> = {}): StreamState => ({
  name: 's',
  id: ids.length === 0 ? undefined : 1,
  last: ids.length - 1,
  tombstoned: false,
  metadata: NO_METADATA,
  ...changes,
});

function decide(written: readonly string[], expected: ExpectedRevision, ids: readonly string[], changes = {}) {
  return decideAppend(stream(written, changes), false, expected, ids, {
    idAt: (revision) => written[revision],
    recent: (id) => (written.includes(id) ? { stream: 's', revision: written.indexOf(id) } : undefined),
  });
}

describe('deciding on an append', () => {
  it.each<[string, readonly string[], ExpectedRevision, string]>([
    ['a new stream, nothing expected', [], 'no-stream', 'write'],
    ['a new stream, anything goes', [], 'any', 'write'],
    ['a new stream that should exist', [], 'stream-exists', 'wrong-expected-revision'],
    ['the revision it is at', ['a', 'b'], 1, 'write'],
    ['a revision it has passed', ['a', 'b'], 0, 'wrong-expected-revision'],
    ['a revision it has not reached', ['a', 'b'], 2, 'wrong-expected-revision'],
    ['no stream where there is one', ['a'], 'no-stream', 'wrong-expected-revision'],
  ])('%s', (_, written, expected, kind) => {
    expect(decide(written, expected, ['new']).kind).toBe(kind);
  });

  it('refuses everything on a tombstone', () => {
    for (const expected of ['any', 'no-stream', 'stream-exists', 1] as const) {
      expect(decide(['a', 'b'], expected, ['c'], { tombstoned: true }).kind).toBe('stream-deleted');
    }
  });

  it('opens a soft-deleted stream again, but not for those who expect it to exist', () => {
    const deleted = { metadata: { truncateBefore: SOFT_DELETED } };
    expect(decide(['a', 'b'], 'no-stream', ['c'], deleted).kind).toBe('write');
    expect(decide(['a', 'b'], 'any', ['c'], deleted).kind).toBe('write');
    expect(decide(['a', 'b'], 'stream-exists', ['c'], deleted).kind).toBe('stream-deleted');
  });

  it('knows any repeat of what was written, wherever it began', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (written, a, b) => {
        const from = a % written.length;
        const until = from + 1 + (b % (written.length - from));
        const repeated = written.slice(from, until);
        const expected = from === 0 ? 'no-stream' : from - 1;
        const decision = decide(written, expected, repeated);
        // Ending at the newest event it could also be a new append there, which is not what was asked.
        expect(decision).toEqual({ kind: 'replay', lastRevision: until - 1 });
        expect(decide(written, 'any', repeated)).toEqual({ kind: 'replay', lastRevision: until - 1 });
      }),
    );
  });

  it('never takes a repeat with other events in it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 12 }), fc.nat(), (written, at) => {
        const changed = written.map((id, index) => (index === at % written.length ? 'other' : id));
        expect(decide(written, 'no-stream', changed).kind).toBe('wrong-expected-revision');
        expect(decide(written, 'no-stream', [...written, 'more']).kind).toBe('wrong-expected-revision');
      }),
    );
  });
});
