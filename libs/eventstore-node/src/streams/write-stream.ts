import { randomUUID } from 'node:crypto';
import type { EventLog, LogWriter } from '../storage/event-log.js';
import { describedBy, EventType, isMetastream, metastreamOf, NO_REVISION, type NewEvent } from '../storage/record.js';
import { isHidden, newestEvent, type StreamState } from '../storage/stream-states.js';
import { decideAppend, type ExpectedRevision } from './decide-append.js';
import { metadataWithTruncation, SOFT_DELETE_METADATA } from './stream-metadata.js';

export interface AppendRequest {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
}

export type AppendOutcome =
  /** `lastRevision` is `NO_REVISION` after an empty append to an empty stream. */
  | { readonly kind: 'appended'; readonly lastRevision: number; readonly position: number }
  | { readonly kind: 'wrong-expected-revision'; readonly actual: number }
  | { readonly kind: 'stream-deleted' };

export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly position: number }
  | { readonly kind: 'wrong-expected-revision'; readonly actual: number }
  | { readonly kind: 'stream-deleted' };

/** Appends all events or none. The answer comes when they are on the disk. */
export function appendToStream(log: EventLog, request: AppendRequest): Promise<AppendOutcome> {
  return log.write((writer) => {
    const state = writer.state(request.stream);
    const decision = decideAppend(
      state,
      writer.state(metastreamOf(request.stream)).last !== NO_REVISION,
      request.expected,
      request.events.map((event) => event.id),
      {
        idAt: (revision) => (state.id === undefined ? undefined : log.rows.identityAt(state.id, revision)?.id),
        recent: (id) => log.recent.find(id),
      },
    );
    switch (decision.kind) {
      case 'write':
        return write(log, writer, state, request.events);
      case 'replay':
        return {
          kind: 'appended',
          lastRevision: decision.lastRevision,
          position: positionAt(log, state, decision.lastRevision),
        };
      default:
        return decision;
    }
  });
}

function write(log: EventLog, writer: LogWriter, state: StreamState, events: readonly NewEvent[]): AppendOutcome {
  if (events.length === 0) {
    return { kind: 'appended', lastRevision: state.last, position: writer.takePosition() };
  }
  const firstNew = state.last + 1;
  const described = isMetastream(state.name) ? writer.state(describedBy(state.name)) : undefined;
  const reopened = described !== undefined && isHidden(described) ? described : isHidden(state) ? state : undefined;
  const position = writer.append(state, events);
  const lastRevision = state.last;
  if (reopened === state) writeTruncation(log, writer, state, firstNew);
  else if (reopened !== undefined && !isHidden(reopened)) writeTruncation(log, writer, reopened, reopened.last + 1);
  return { kind: 'appended', lastRevision, position };
}

/** A stream that was soft-deleted is open again: what lay in it before stays unreadable. */
function writeTruncation(log: EventLog, writer: LogWriter, state: StreamState, firstReadable: number): void {
  const metastream = writer.state(metastreamOf(state.name));
  const current = newestEvent(log.rows, metastream.name);
  writer.append(metastream, [metadataEvent(metadataWithTruncation(current?.data, firstReadable))]);
}

/** Hides all events of the stream; it can be written to again, with the numbering going on. */
export function softDeleteStream(log: EventLog, stream: string, expected: ExpectedRevision): Promise<DeleteOutcome> {
  return log.write((writer) => {
    const state = writer.state(stream);
    const metastream = writer.state(metastreamOf(stream));
    const exists = state.last !== NO_REVISION || metastream.last !== NO_REVISION;
    const refusal = refuseDelete(state, exists, expected);
    if (refusal !== undefined) return refusal;
    if (!exists) return { kind: 'wrong-expected-revision', actual: NO_REVISION };
    return { kind: 'deleted', position: writer.append(metastream, [metadataEvent(SOFT_DELETE_METADATA)]) };
  });
}

/** Ends the stream for ever. */
export function tombstoneStream(log: EventLog, stream: string, expected: ExpectedRevision): Promise<DeleteOutcome> {
  return log.write((writer) => {
    const state = writer.state(stream);
    const exists = state.last !== NO_REVISION || writer.state(metastreamOf(stream)).last !== NO_REVISION;
    const refusal = refuseDelete(state, exists, expected);
    return refusal ?? { kind: 'deleted', position: writer.tombstone(state) };
  });
}

/** @param exists whether the stream has events or at least metadata */
function refuseDelete(state: StreamState, exists: boolean, expected: ExpectedRevision): DeleteOutcome | undefined {
  if (state.tombstoned) return { kind: 'stream-deleted' };
  const wrong: DeleteOutcome = { kind: 'wrong-expected-revision', actual: state.last };
  switch (expected) {
    case 'any':
      return undefined;
    case 'stream-exists':
      if (isHidden(state)) return { kind: 'stream-deleted' };
      return exists ? undefined : wrong;
    case 'no-stream':
      return state.last === NO_REVISION ? undefined : wrong;
    default:
      return expected === state.last ? undefined : wrong;
  }
}

function positionAt(log: EventLog, state: StreamState, revision: number): number {
  const identity = state.id === undefined ? undefined : log.rows.identityAt(state.id, revision);
  if (identity === undefined) throw new Error(`revision ${revision} of ${state.name} has no position`);
  return identity.position;
}

export function metadataEvent(json: string): NewEvent {
  return {
    id: randomUUID(),
    type: EventType.Metadata,
    isJson: true,
    data: Buffer.from(json),
    metadata: new Uint8Array(0),
  };
}
