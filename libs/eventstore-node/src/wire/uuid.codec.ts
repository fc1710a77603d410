import { MalformedMessageError, type ProtobufReader } from './protobuf-reader.js';

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @returns the id in canonical lower-case form, or undefined when it is none */
export function parseUuid(text: string): string | undefined {
  const lower = text.toLowerCase();
  return CANONICAL.test(lower) ? lower : undefined;
}

/** The canonical form of a UUID given as two signed 64-bit halves, the upper one first. */
export function uuidFromHalves(most: bigint, least: bigint): string {
  const hex =
    BigInt.asUintN(64, most).toString(16).padStart(16, '0') + BigInt.asUintN(64, least).toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function halvesOfUuid(id: string): { most: bigint; least: bigint } {
  const hex = id.replaceAll('-', '');
  return {
    most: BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`)),
    least: BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`)),
  };
}

/** Encodes `UUID { structured { most_significant_bits, least_significant_bits } }`. */
export function structuredUuid(id: string): Buffer {
  const { most, least } = halvesOfUuid(id);
  const content = [...bigVarintField(1, most), ...bigVarintField(2, least)];
  return Buffer.from([(1 << 3) | 2, content.length, ...content]);
}

function bigVarintField(field: number, value: bigint): number[] {
  if (value === 0n) return [];
  const bytes = [field << 3];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

/**
 * Reads a `UUID` message in either form.
 *
 * @returns the canonical id, or undefined when the text is not one
 * @throws MalformedMessageError
 */
export function readUuid(reader: ProtobufReader): string | undefined {
  let id: string | undefined;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 2) id = parseUuid(reader.text(key.wire));
    else if (key.field === 1) id = readHalves(reader.message(key.wire));
    else reader.skip(key.wire);
  }
  return id;
}

function readHalves(reader: ProtobufReader): string {
  let most = 0n;
  let least = 0n;
  for (let key = reader.next(); key !== undefined; key = reader.next()) {
    if (key.field === 1) most = reader.varint(key.wire);
    else if (key.field === 2) least = reader.varint(key.wire);
    else throw new MalformedMessageError('unknown field in a UUID');
  }
  return uuidFromHalves(most, least);
}
