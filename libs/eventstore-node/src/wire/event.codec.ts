import type { ResolvedEvent } from '../streams/resolve-link.js';
import { TOMBSTONE_REVISION, type LogRecord } from '../storage/record.js';
import { lengthDelimitedSize, ProtobufWriter, varintSize } from './protobuf-writer.js';
import { structuredUuid } from './uuid.codec.js';

/** How the reader wants event ids. */
export type UuidForm = 'string' | 'structured';

const JSON_TYPE = 'application/json';
const BINARY_TYPE = 'application/octet-stream';
/** .NET ticks are 100 ns; the log keeps milliseconds. */
const TICKS_SUFFIX = '0000';
/** 2^63-1 as a varint: the revision of a tombstone. */
const TOMBSTONE_VARINT = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
const UUID_TEXT_BYTES = 36;

interface Sizes {
  readonly record: LogRecord;
  readonly id: Buffer | undefined;
  readonly position: number;
  readonly name: number;
  readonly type: number;
  readonly created: string;
  readonly total: number;
}

/** What surrounds the event in the answer: its position, and for persistent subscriptions how often it was tried. */
export interface EventFrame {
  readonly uuid: UuidForm;
  readonly retryCount?: number;
  /** Write the position of the record that was asked for into a resolved event, as persistent subscriptions do. */
  readonly originalPositionInEvent?: boolean;
}

/**
 * Encodes `ReadResp { event { event, link, commit_position, retry_count } }`, which is the same message for reads,
 * subscriptions and persistent subscriptions.
 */
export function encodeReadEvent(resolved: ResolvedEvent, frame: EventFrame): Buffer {
  const { original } = resolved;
  const event =
    resolved.event && measure(resolved.event, frame, frame.originalPositionInEvent ? original : resolved.event);
  const link = resolved.link && measure(resolved.link, frame, resolved.link);
  const { retryCount } = frame;
  const content =
    (event === undefined ? 0 : lengthDelimitedSize(event.total)) +
    (link === undefined ? 0 : lengthDelimitedSize(link.total)) +
    1 +
    varintSize(original.position) +
    (retryCount === undefined ? 0 : 1 + varintSize(retryCount));
  const writer = new ProtobufWriter(lengthDelimitedSize(content));
  writer.open(1, content);
  if (event !== undefined) write(writer, 1, event);
  if (link !== undefined) write(writer, 2, link);
  writer.varintField(3, original.position);
  if (retryCount !== undefined) writer.varintField(5, retryCount);
  return writer.finish();
}

const contentType = (record: LogRecord): string => (record.isJson ? JSON_TYPE : BINARY_TYPE);

const mapEntrySize = (key: string, valueBytes: number): number =>
  lengthDelimitedSize(lengthDelimitedSize(key.length) + lengthDelimitedSize(valueBytes));

function measure(record: LogRecord, frame: EventFrame, positioned: LogRecord): Sizes {
  const id = frame.uuid === 'structured' ? structuredUuid(record.id) : undefined;
  const name = Buffer.byteLength(record.stream);
  const type = Buffer.byteLength(record.type);
  const created = record.createdMs === 0 ? '0' : `${record.createdMs}${TICKS_SUFFIX}`;
  const { position } = positioned;
  const total =
    lengthDelimitedSize(id === undefined ? lengthDelimitedSize(UUID_TEXT_BYTES) : id.length) +
    lengthDelimitedSize(lengthDelimitedSize(name)) +
    revisionSize(record.revision) +
    2 * (1 + varintSize(position)) +
    mapEntrySize('type', type) +
    mapEntrySize('created', created.length) +
    mapEntrySize('content-type', contentType(record).length) +
    lengthDelimitedSize(record.metadata.length) +
    lengthDelimitedSize(record.data.length);
  return { record, id, position, name, type, created, total };
}

/** Protobuf leaves out zeros; the server does so too. */
const revisionSize = (revision: number): number =>
  revision === TOMBSTONE_REVISION ? 1 + TOMBSTONE_VARINT.length : revision === 0 ? 0 : 1 + varintSize(revision);

function write(writer: ProtobufWriter, field: number, sizes: Sizes): void {
  const { record } = sizes;
  writer.open(field, sizes.total);
  if (sizes.id === undefined) {
    writer.open(1, lengthDelimitedSize(UUID_TEXT_BYTES));
    writer.asciiField(2, record.id);
  } else {
    writer.bytesField(1, sizes.id);
  }
  writer.open(2, lengthDelimitedSize(sizes.name));
  writer.textField(3, record.stream, sizes.name);
  if (record.revision === TOMBSTONE_REVISION) {
    writer.raw(TOMBSTONE_TAG);
    writer.raw(TOMBSTONE_VARINT);
  } else if (record.revision > 0) {
    writer.varintField(3, record.revision);
  }
  writer.varintField(4, sizes.position);
  writer.varintField(5, sizes.position);
  writeMapEntry(writer, 'type', record.type, sizes.type);
  writeMapEntry(writer, 'created', sizes.created, sizes.created.length);
  const content = contentType(record);
  writeMapEntry(writer, 'content-type', content, content.length);
  writer.bytesField(7, record.metadata);
  writer.bytesField(8, record.data);
}

const TOMBSTONE_TAG = Buffer.from([3 << 3]);

function writeMapEntry(writer: ProtobufWriter, key: string, value: string, valueBytes: number): void {
  writer.open(6, lengthDelimitedSize(key.length) + lengthDelimitedSize(valueBytes));
  writer.asciiField(1, key);
  writer.textField(2, value, valueBytes);
}
