import { Metadata, status, type ServiceError } from '@grpc/grpc-js';

/** HTTP/2 headers must stay small; names of streams need not be. In characters. */
const TEXT_LIMIT = 1_000;
const TRAILER_LIMIT = 4_096;

/** An error as a caller gets it: a status, a text, and trailers that clients read to tell the cases apart. */
export class CallError extends Error implements ServiceError {
  override readonly name = 'CallError';
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;

  constructor(code: status, details: string, trailers: Readonly<Record<string, string>> = {}) {
    super(details);
    this.code = code;
    this.details = details.slice(0, TEXT_LIMIT);
    this.metadata = new Metadata();
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, headerSafe(value));
  }
}

/** gRPC metadata is printable ASCII; anything else would break the whole answer. */
function headerSafe(value: string): string {
  const safe = /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value.toWellFormed());
  return safe.slice(0, TRAILER_LIMIT);
}

export const invalidArgument = (text: string): CallError => new CallError(status.INVALID_ARGUMENT, text);

export const streamDeleted = (stream: string): CallError =>
  new CallError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

export const deleteConflict = (stream: string, expected: string, actual: string): CallError =>
  new CallError(
    status.FAILED_PRECONDITION,
    `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': expected,
      'actual-version': actual,
    },
  );

export const appendTooLarge = (limitBytes: number): CallError =>
  new CallError(status.INVALID_ARGUMENT, `Maximum Append Size of ${limitBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(limitBytes),
  });

export const missingMetadataProperty = (property: string): CallError =>
  new CallError(status.INVALID_ARGUMENT, `Required Metadata Property '${property}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

export const outOfMemory = (): CallError =>
  new CallError(status.RESOURCE_EXHAUSTED, 'The node is short of memory and this call does not move.');

export const shuttingDown = (): CallError => new CallError(status.UNAVAILABLE, 'The event node is shutting down.');

/** Whatever went wrong, as something a caller can be told. */
export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  if (!(error instanceof Error)) return new CallError(status.INTERNAL, 'unknown error');
  switch (error.name) {
    case 'BadFilterError':
    case 'MalformedMessageError':
      return invalidArgument(error.message);
    case 'LogClosedError':
      return shuttingDown();
    case 'LogWriteError':
      return new CallError(status.RESOURCE_EXHAUSTED, `The log cannot be written: ${error.message}`);
    case 'CorruptRecordError':
      return new CallError(status.DATA_LOSS, error.message);
    default:
      return new CallError(status.INTERNAL, error.message);
  }
}
