import { setFlagsFromString } from 'node:v8';
import type { LogRecord } from '../storage/record.js';

// A pattern made to take for ever must not stop the other clients: V8 then changes to its linear engine.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** Longest pattern taken, in characters, and most prefixes in one filter. */
const PATTERN_LIMIT = 4_096;
const PREFIX_LIMIT = 1_000;

/** The filter of a request cannot be used; the text says why. */
export class BadFilterError extends Error {
  override readonly name = 'BadFilterError';
}

export interface EventFilterRequest {
  readonly on: 'stream' | 'type';
  /** A .NET regular expression; empty when `prefixes` are given. */
  readonly regex: string;
  readonly prefixes: readonly string[];
}

export type EventFilter = (record: Pick<LogRecord, 'stream' | 'type'>) => boolean;

/** @throws BadFilterError */
export function eventFilter(request: EventFilterRequest): EventFilter {
  const accepts = request.prefixes.length > 0 ? byPrefix(request.prefixes) : byPattern(request.regex);
  return request.on === 'stream' ? (record) => accepts(record.stream) : (record) => accepts(record.type);
}

function byPrefix(prefixes: readonly string[]): (text: string) => boolean {
  if (prefixes.length > PREFIX_LIMIT) throw new BadFilterError(`a filter may hold ${PREFIX_LIMIT} prefixes`);
  const [only] = prefixes;
  if (prefixes.length === 1 && only !== undefined) return (text) => text.startsWith(only);
  return (text) => prefixes.some((prefix) => text.startsWith(prefix));
}

function byPattern(source: string): (text: string) => boolean {
  if (source.length > PATTERN_LIMIT) throw new BadFilterError(`a pattern may be ${PATTERN_LIMIT} characters long`);
  try {
    const pattern = fromDotNet(source);
    return (text) => pattern.test(text);
  } catch (error) {
    throw new BadFilterError(error instanceof Error ? error.message : String(error));
  }
}

const LEADING_OPTIONS = /^\(\?([imsnx]+)\)/;
const ANCHORS: ReadonlyMap<string, string> = new Map([
  ['A', '(?<![\\s\\S])'],
  ['z', '(?![\\s\\S])'],
  ['Z', '(?=\\n?(?![\\s\\S]))'],
]);

/**
 * Translates what is written differently in .NET: options in front of the pattern, `\A`, `\z`, `\Z`, and `(?'name'...)`.
 * The rest of what people use in filters means the same in JavaScript.
 *
 * @throws SyntaxError when the pattern is broken; RangeError for options without a counterpart
 */
export function fromDotNet(source: string): RegExp {
  const options = LEADING_OPTIONS.exec(source)?.[1] ?? '';
  if (/[nx]/.test(options)) throw new RangeError(`option ${options} of the pattern is not supported`);
  const body = source
    .replace(LEADING_OPTIONS, '')
    .replace(/\\([\s\S])/g, (whole, escaped: string) => ANCHORS.get(escaped) ?? whole)
    .replace(/\(\?'(\w+)'/g, '(?<$1>');
  return new RegExp(body, [...new Set(options)].join(''));
}
