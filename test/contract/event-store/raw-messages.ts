/** Translates between the JSON of a recording and protobuf messages, through the accessors of the generated classes. */
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { Timestamp } from 'google-protobuf/google/protobuf/timestamp_pb.js';

export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

interface Message {
  serializeBinary(): Uint8Array;
}
type Accessors = Record<string, (...values: unknown[]) => unknown>;
export type MessageClass = (new () => Message) & Record<string, unknown>;

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const accessors = (message: Message): Accessors => message as unknown as Accessors;
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asText = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Names of nested classes that are not the field's name with a capital letter. */
const CLASS_OF_FIELD: Readonly<Record<string, string>> = {
  stream: 'StreamOptions',
  all: 'AllOptions',
  filter: 'FilterOptions',
  subscription: 'SubscriptionOptions',
  uuidOption: 'UUIDOption',
  listForStream: 'StreamOption',
};

const BYTES = new Set(['data', 'customMetadata']);
const IDS = new Set(['id', 'correlationId']);

/** Builds a message from recorded JSON. @param outer the classes around it, which hold the nested classes */
export function buildMessage(Class: MessageClass, json: JsonObject, outer: readonly MessageClass[] = []): Message {
  const message = new Class();
  const scope = [Class, ...outer];
  for (const [field, value] of Object.entries(json)) {
    const set = accessors(message)[`set${upper(field)}`] ?? accessors(message)[`set${upper(field)}List`];
    if (field === 'metadata' && isObject(value)) {
      const map = accessors(message)['getMetadataMap']!.call(message) as Map<string, Json>;
      for (const [key, entry] of Object.entries(value)) map.set(key, entry);
      continue;
    }
    set!.call(message, fieldValue(field, value, scope));
  }
  return message;
}

function fieldValue(field: string, value: Json, scope: readonly MessageClass[]): unknown {
  if (field === 'streamIdentifier' && typeof value === 'string') return identifier(value);
  if (field === 'stream' && typeof value === 'string') return identifier(value);
  if (BYTES.has(field)) return Buffer.from(asText(value));
  if (field === 'deadline') return Timestamp.fromDate(new Date('2001-01-01T00:00:00Z'));
  if (field === 'ids' && Array.isArray(value)) return value.map((id) => uuid(id as JsonObject));
  if (field === 'proposedMessages' && Array.isArray(value)) {
    return value.map((item) => buildMessage(nested(scope, 'ProposedMessage'), item as JsonObject));
  }
  if (!isObject(value)) return value;
  if (IDS.has(field)) return uuid(value);
  if ('expression' in value) return buildMessage(nested(scope, 'Expression'), value['expression'] as JsonObject);
  if (field !== 'subscription' && Object.keys(value).length === 0) return new shared.Empty();
  return buildMessage(nested(scope, CLASS_OF_FIELD[field] ?? upper(field)), value, scope);
}

function nested(scope: readonly MessageClass[], name: string): MessageClass {
  const found = scope.find((candidate) => name in candidate)?.[name];
  if (found === undefined) throw new Error(`no message class ${name}`);
  return found as MessageClass;
}

function identifier(name: string): Message {
  const message = new shared.StreamIdentifier();
  message.setStreamName(Buffer.from(name));
  return message;
}

function uuid(json: JsonObject): Message {
  const message = new shared.UUID();
  if (typeof json['string'] === 'string') message.setString(json['string']);
  if (isObject(json['structured'])) {
    const halves = new shared.UUID.Structured();
    halves.setMostSignificantBits(asText(json['structured']['mostSignificantBits']));
    halves.setLeastSignificantBits(asText(json['structured']['leastSignificantBits']));
    message.setStructured(halves);
  }
  return message;
}

/** Longer contents are recorded by their length. */
const LONGEST_CONTENT = 200;

/** A message as the recording writes it: present fields only, bytes as text. */
export function plainMessage(message: unknown): Json {
  if (message === null || typeof message !== 'object') return message as Json;
  const methods = accessors(message as Message);
  const plain: JsonObject = {};
  for (const getter of Object.getOwnPropertyNames(Object.getPrototypeOf(message))) {
    if (!/^get[A-Z]/.test(getter) || /(_asU8|_asB64|Case)$/.test(getter)) continue;
    const name = getter.slice(3);
    if (methods[`has${name}`]?.call(message) === false) continue;
    addField(plain, message, name, methods);
  }
  return plain;
}

function addField(plain: JsonObject, message: object, name: string, methods: Accessors): void {
  const field = name.charAt(0).toLowerCase() + name.slice(1);
  const bytes = methods[`get${name}_asU8`];
  if (bytes !== undefined) {
    if (name.endsWith('List')) return;
    const text = Buffer.from(bytes.call(message) as Uint8Array).toString('utf8');
    if (text === '' && name === 'CustomMetadata') return;
    plain[field] = text.length > LONGEST_CONTENT ? `<${text.length} bytes>` : text;
    return;
  }
  const value = methods[`get${name}`]!.call(message);
  if (name.endsWith('Map')) {
    const entries = (value as { toArray(): [string, string][] }).toArray();
    plain[field.slice(0, -3)] = Object.fromEntries(entries);
  } else if (Array.isArray(value)) {
    if (value.length > 0) plain[field.slice(0, -4)] = value.map(plainMessage);
  } else if (value !== undefined) {
    plain[field] = plainMessage(value);
  }
}

interface PackedError {
  getCode(): number;
  getMessage(): string;
  getDetails(): { getTypeUrl(): string; getValue_asU8(): Uint8Array } | undefined;
}

/** An answer, with the details of an error unpacked. */
export function plainAnswer(message: unknown): Json {
  const plain = plainMessage(message) as JsonObject;
  const error = (message as { getError?(): PackedError | undefined }).getError?.();
  if (error === undefined) return plain;
  const details = error.getDetails();
  plain['error'] = {
    code: error.getCode(),
    message: error.getMessage(),
    ...(details && { details: unpacked(details.getTypeUrl(), details.getValue_asU8()) }),
  };
  return plain;
}

function unpacked(type: string, value: Uint8Array): JsonObject {
  const name = type.split('.').at(-1)!;
  const Class = (shared as unknown as Record<string, { deserializeBinary(bytes: Uint8Array): unknown }>)[name];
  return {
    type,
    value: Class === undefined ? Buffer.from(value).toString('hex') : plainMessage(Class.deserializeBinary(value)),
  };
}
