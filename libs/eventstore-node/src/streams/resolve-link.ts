import type { EventLog } from '../storage/event-log.js';
import { EventType, type LogRecord } from '../storage/record.js';
import { firstReadable, presenceOf } from './read-stream.js';

/** An event as a reader gets it: `link` is set when it was reached through one, `event` is missing when the link is broken. */
export interface ResolvedEvent {
  readonly event: LogRecord | undefined;
  readonly link: LogRecord | undefined;
  /** The record the reader asked for: the link if there is one. */
  readonly original: LogRecord;
}

const LINK = /^(\d{1,15})@(.+)$/s;

export const unresolved = (record: LogRecord): ResolvedEvent => ({ event: record, link: undefined, original: record });

/** Follows a link event to its target. What does not look like a link is an event like any other. */
export function resolveLink(log: EventLog, record: LogRecord, nowMs: number): ResolvedEvent {
  if (record.type !== EventType.Link) return unresolved(record);
  const [, revision, stream] = LINK.exec(Buffer.from(record.data).toString('utf8')) ?? [];
  if (revision === undefined || stream === undefined) return unresolved(record);
  return { event: readable(log, stream, Number(revision), nowMs), link: record, original: record };
}

function readable(log: EventLog, stream: string, revision: number, nowMs: number): LogRecord | undefined {
  const state = log.states.of(stream);
  if (state.id === undefined || presenceOf(state) !== 'present') return undefined;
  if (revision > state.last || revision < firstReadable(log, state, nowMs)) return undefined;
  return log.rows.one(state.id, revision);
}
