import type { ExpectedRevision } from '../streams/decide-append.js';
import { parseRevision } from '../wire/revision.codec.js';
import { invalidArgument } from './call-errors.js';

/** The options of appends and deletes, which say the expected revision in the same fields. */
export interface RevisionOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
  hasRevision(): boolean;
  getRevision(): string;
}

export interface Expectation {
  readonly revision: ExpectedRevision;
  /** As the server writes it in trailers: -1 no stream, -2 any, -4 exists. */
  readonly number: string;
}

/** @throws CallError when nothing, or an impossible revision, is expected */
export function expectedRevisionOf(options: RevisionOptions): Expectation {
  if (options.hasAny()) return { revision: 'any', number: '-2' };
  if (options.hasNoStream()) return { revision: 'no-stream', number: '-1' };
  if (options.hasStreamExists()) return { revision: 'stream-exists', number: '-4' };
  if (!options.hasRevision()) throw invalidArgument('The request does not say which revision it expects.');
  const revision = parseRevision(options.getRevision());
  if (revision === undefined) throw invalidArgument(`No stream has the revision ${options.getRevision()}.`);
  return { revision, number: String(revision) };
}
