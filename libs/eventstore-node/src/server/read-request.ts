import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { eventFilter } from '../streams/event-filter.js';
import type { FilterWindow } from '../streams/follow.js';
import type { UuidForm } from '../wire/event.codec.js';
import { parseCount, parseRevision, UINT64_MAX } from '../wire/revision.codec.js';
import { invalidArgument } from './call-errors.js';
import { streams } from './proto.js';
import { ALL, checkStreamName, streamNameOf } from './stream-names.js';

/** Where in a stream or log to begin. */
export type From = 'start' | 'end' | number;

export interface ReadRequest {
  readonly source:
    | { readonly kind: 'stream'; readonly stream: string; readonly from: From }
    | { readonly kind: 'all'; readonly from: From; readonly window: FilterWindow | undefined };
  readonly backwards: boolean;
  /** Most events wanted, or a subscription: everything, for ever. */
  readonly count: number | 'subscription';
  readonly resolveLinks: boolean;
  readonly uuid: UuidForm;
  /** From 1 on the reader wants to know the ends of the stream too. */
  readonly compatibility: number;
}

const DEFAULT_WINDOW = 32;

/** @throws CallError or BadFilterError when the options do not make sense; `lastPosition` bounds the positions of `$all` */
export function parseReadRequest(request: ReadReq, lastPosition: number): ReadRequest {
  const options = request.getOptions();
  if (options === undefined) throw invalidArgument('The request has no options.');
  const Options = streams.ReadReq.Options;
  const streamCase = options.getStreamOptionCase();
  if (streamCase === Options.StreamOptionCase.STREAM_OPTION_NOT_SET) {
    throw invalidArgument('The request names neither a stream nor $all.');
  }
  const isStream = streamCase === Options.StreamOptionCase.STREAM;
  const backwards = options.getReadDirection() === Options.ReadDirection.BACKWARDS;
  const countCase = options.getCountOptionCase();
  const filterCase = options.getFilterOptionCase();
  const subscription = countCase === Options.CountOptionCase.SUBSCRIPTION;
  const impossible =
    countCase === Options.CountOptionCase.COUNT_OPTION_NOT_SET ||
    filterCase === Options.FilterOptionCase.FILTER_OPTION_NOT_SET ||
    (isStream && filterCase === Options.FilterOptionCase.FILTER) ||
    (subscription && backwards);
  if (impossible) {
    throw invalidArgument(
      `The combination of (${isStream ? 'Stream' : 'All'}, ${oneofName(Options.CountOptionCase, countCase)}, ` +
        `${backwards ? 'Backwards' : 'Forwards'}, ${oneofName(Options.FilterOptionCase, filterCase)}) is invalid.`,
    );
  }
  const count = subscription ? 'subscription' : parseCount(options.getCount());
  if (count === 0) throw invalidArgument('The count is 0.');
  return {
    source: isStream ? streamSource(options, backwards, subscription) : allSource(options, lastPosition, subscription),
    backwards,
    count,
    resolveLinks: options.getResolveLinks(),
    uuid: uuidForm(options),
    compatibility: options.getControlOption()?.getCompatibility() ?? 0,
  };
}

function oneofName(cases: Readonly<Record<string, string | number>>, value: number): string {
  return Object.entries(cases).find(([, number]) => number === value)?.[0] ?? 'unknown';
}

function uuidForm(options: ReadReq.Options): UuidForm {
  const option = options.getUuidOption();
  if (option?.hasString()) return 'string';
  if (option?.hasStructured()) return 'structured';
  throw invalidArgument('The request does not say how event ids are wanted (uuid option).');
}

function streamSource(options: ReadReq.Options, backwards: boolean, subscription: boolean): ReadRequest['source'] {
  const stream = options.getStream();
  const name = streamNameOf(stream?.getStreamIdentifier());
  checkStreamName(name);
  const cases = streams.ReadReq.Options.StreamOptions.RevisionOptionCase;
  let from: From = 'start';
  if (stream?.getRevisionOptionCase() === cases.END) from = 'end';
  else if (stream?.getRevisionOptionCase() === cases.REVISION) {
    from = BigInt(stream.getRevision()) === UINT64_MAX ? 'end' : (parseRevision(stream.getRevision()) ?? 'end');
  }
  if (from === 'end' && !backwards && !subscription) {
    throw invalidArgument('A stream cannot be read forwards from its end.');
  }
  return { kind: 'stream', stream: name, from };
}

function allSource(options: ReadReq.Options, lastPosition: number, subscription: boolean): ReadRequest['source'] {
  const all = options.getAll();
  const cases = streams.ReadReq.Options.AllOptions.AllOptionCase;
  let from: From = 'start';
  if (all?.getAllOptionCase() === cases.END) from = 'end';
  else if (all?.getAllOptionCase() === cases.POSITION) {
    const position = all.getPosition();
    from = parseAllPosition(position?.getCommitPosition() ?? '0', position?.getPreparePosition() ?? '0', lastPosition);
  }
  return { kind: 'all', from, window: filterWindow(options, subscription) };
}

/** @throws CallError for a position this log never issued */
export function parseAllPosition(commit: string, prepare: string, lastPosition: number): From {
  if (BigInt(commit) === UINT64_MAX && BigInt(prepare) === UINT64_MAX) return 'end';
  const position = parseRevision(commit);
  if (position === undefined || position > lastPosition || commit !== prepare) {
    throw invalidArgument(`${ALL} has no position C:${commit}/P:${prepare}.`);
  }
  return position === 0 ? 'start' : position;
}

function filterWindow(options: ReadReq.Options, subscription: boolean): FilterWindow | undefined {
  const filter = options.getFilter();
  if (filter === undefined) return undefined;
  const multiplier = filter.getCheckpointintervalmultiplier();
  if (subscription && multiplier === 0) throw invalidArgument('The checkpoint interval multiplier is 0.');
  return filterWindowOf(filter, multiplier);
}

/** The filter message of reads and of persistent subscriptions, which have the same shape. */
export interface FilterMessage {
  getStreamIdentifier(): { getRegex(): string; getPrefixList(): string[] } | undefined;
  getEventType(): { getRegex(): string; getPrefixList(): string[] } | undefined;
  getMax(): number;
}

export function filterWindowOf(filter: FilterMessage, multiplier: number): FilterWindow {
  const onStream = filter.getStreamIdentifier();
  const expression = onStream ?? filter.getEventType();
  if (expression === undefined) throw invalidArgument('The filter looks at neither stream names nor event types.');
  const window = filter.getMax() === 0 ? DEFAULT_WINDOW : filter.getMax();
  return {
    accepts: eventFilter({
      on: onStream === undefined ? 'type' : 'stream',
      regex: expression.getRegex(),
      prefixes: expression.getPrefixList(),
    }),
    checkpointEvery: window * Math.max(1, multiplier),
  };
}
