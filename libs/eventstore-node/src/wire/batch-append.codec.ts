import type { ExpectedRevision } from '../streams/decide-append.js';
import type { ProposedEvent } from './proposed-event.js';
import { ProtobufReader } from './protobuf-reader.js';
import { parseRevision } from './revision.codec.js';
import { readUuid } from './uuid.codec.js';

export interface BatchAppendOptions {
  readonly stream: string;
  /** Undefined when the revision is beyond what any stream can have. */
  readonly expected: ExpectedRevision | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly deadlineMs: number | undefined;
}

/** One message of a BatchAppend call. A batch is one or more of them with the same correlation id. */
export interface BatchAppendMessage {
  /** The id as a key, and its bytes to be echoed in the form the client chose. */
  readonly correlation: { readonly key: string | undefined; readonly bytes: Buffer };
  readonly options: BatchAppendOptions | undefined;
  readonly events: readonly ProposedEvent[];
  readonly isFinal: boolean;
}

const NO_BYTES = Buffer.alloc(0);

/** Decodes `BatchAppendReq`, including the newer way to give a deadline as a duration. @throws MalformedMessageError */
export function decodeBatchAppend(bytes: Buffer): BatchAppendMessage {
  const reader = new ProtobufReader(bytes);
  let correlation: BatchAppendMessage['correlation'] = { key: undefined, bytes: NO_BYTES };
  let options: BatchAppendOptions | undefined;
  const events: ProposedEvent[] = [];
  let isFinal = false;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 1) {
      const content = reader.slice(key.wire);
      correlation = { key: readUuid(new ProtobufReader(content)), bytes: content };
    } else if (key.field === 2) options = decodeOptions(reader.message(key.wire));
    else if (key.field === 3) events.push(decodeProposed(reader.message(key.wire)));
    else if (key.field === 4) isFinal = reader.bool(key.wire);
    else reader.skip(key.wire);
  }
  return { correlation, options, events, isFinal };
}

function decodeOptions(reader: ProtobufReader): BatchAppendOptions {
  let stream = '';
  let expected: ExpectedRevision | undefined = 'any';
  let deadlineMs: number | undefined;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    const { field, wire } = key;
    if (field === 1) stream = decodeStreamIdentifier(reader.message(wire));
    else if (field === 2) expected = parseRevision(reader.varint(wire));
    else if (field === 6) deadlineMs = decodeSeconds(reader.message(wire));
    else if (field === 7) deadlineMs = Date.now() + decodeSeconds(reader.message(wire));
    else {
      reader.skip(wire);
      if (field === 3) expected = 'no-stream';
      else if (field === 4) expected = 'any';
      else if (field === 5) expected = 'stream-exists';
    }
  }
  return { stream, expected, deadlineMs };
}

function decodeStreamIdentifier(reader: ProtobufReader): string {
  let name = '';
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 3) name = reader.text(key.wire);
    else reader.skip(key.wire);
  }
  return name;
}

/** Timestamp and Duration look alike: seconds and nanoseconds. @returns milliseconds */
function decodeSeconds(reader: ProtobufReader): number {
  let seconds = 0n;
  let nanoseconds = 0n;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 1) seconds = BigInt.asIntN(64, reader.varint(key.wire));
    else if (key.field === 2) nanoseconds = BigInt.asIntN(32, reader.varint(key.wire));
    else reader.skip(key.wire);
  }
  return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
}

function decodeProposed(reader: ProtobufReader): ProposedEvent {
  let id: string | undefined;
  let type: string | undefined;
  let contentType: string | undefined;
  let data: Uint8Array = NO_BYTES;
  let metadata: Uint8Array = NO_BYTES;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 1) id = readUuid(reader.message(key.wire));
    else if (key.field === 2) {
      const entry = decodeMapEntry(reader.message(key.wire));
      if (entry.key === 'type') type = entry.value;
      else if (entry.key === 'content-type') contentType = entry.value;
    } else if (key.field === 3) metadata = reader.slice(key.wire);
    else if (key.field === 4) data = reader.slice(key.wire);
    else reader.skip(key.wire);
  }
  return { id, type, contentType, data, metadata };
}

function decodeMapEntry(reader: ProtobufReader): { key: string; value: string } {
  const entry = { key: '', value: '' };
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 1) entry.key = reader.text(key.wire);
    else if (key.field === 2) entry.value = reader.text(key.wire);
    else reader.skip(key.wire);
  }
  return entry;
}
