/** The bytes are not the message they should be. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

/**
 * Reads protobuf fields one after the other, without copying. The generated classes do the same for every field of
 * every event; for requests with thousands of events that is most of the work of an append.
 */
export class ProtobufReader {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** @returns the next field, or undefined at the end */
  next(): { field: number; wire: number } | undefined {
    if (this.#at >= this.bytes.length) return undefined;
    const key = this.#small();
    const field = Math.floor(key / 8);
    if (field === 0) throw new MalformedMessageError('field number 0');
    return { field, wire: key % 8 };
  }

  /** The value of a varint field up to 2^64-1. */
  varint(wire: number): bigint {
    if (wire !== WIRE_VARINT) throw new MalformedMessageError('expected a number');
    let value = 0n;
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessageError('number too long');
  }

  bool(wire: number): boolean {
    return this.varint(wire) !== 0n;
  }

  slice(wire: number): Buffer {
    if (wire !== WIRE_BYTES) throw new MalformedMessageError('expected bytes');
    const length = this.#small();
    const end = this.#at + length;
    if (end > this.bytes.length) throw new MalformedMessageError('message is cut short');
    const slice = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  text(wire: number): string {
    return this.slice(wire).toString('utf8');
  }

  message(wire: number): ProtobufReader {
    return new ProtobufReader(this.slice(wire));
  }

  skip(wire: number): void {
    if (wire === WIRE_VARINT) this.varint(wire);
    else if (wire === WIRE_BYTES) this.slice(wire);
    else if (wire === WIRE_FIXED64) this.#advance(8);
    else if (wire === WIRE_FIXED32) this.#advance(4);
    else throw new MalformedMessageError(`wire type ${wire}`);
  }

  #advance(count: number): void {
    this.#at += count;
    if (this.#at > this.bytes.length) throw new MalformedMessageError('message is cut short');
  }

  #byte(): number {
    const byte = this.bytes[this.#at];
    if (byte === undefined) throw new MalformedMessageError('message is cut short');
    this.#at += 1;
    return byte;
  }

  /** A varint below 2^32: field keys and lengths. */
  #small(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new MalformedMessageError('length too large');
  }
}
