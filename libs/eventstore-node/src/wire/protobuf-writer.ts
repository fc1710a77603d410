/** Number of bytes `value` takes as a varint. `value` is a non-negative safe integer. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Bytes of a field with a length before its content; field numbers below 16 only. */
export const lengthDelimitedSize = (contentBytes: number): number => 1 + varintSize(contentBytes) + contentBytes;

/** Writes protobuf fields into a buffer whose size was computed before. Field numbers below 16 only. */
export class ProtobufWriter {
  readonly bytes: Buffer;
  #at = 0;

  /** @param size exact size of the message */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** @throws RangeError when the announced size was not met: an error in the codec */
  finish(): Buffer {
    if (this.#at !== this.bytes.length) throw new RangeError(`wrote ${this.#at} of ${this.bytes.length} bytes`);
    return this.bytes;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.#at++] = rest;
  }

  varintField(field: number, value: number): void {
    this.bytes[this.#at++] = field << 3;
    this.varint(value);
  }

  /** Opens a field of `contentBytes` bytes that the following calls fill. */
  open(field: number, contentBytes: number): void {
    this.bytes[this.#at++] = (field << 3) | 2;
    this.varint(contentBytes);
  }

  bytesField(field: number, content: Uint8Array): void {
    this.open(field, content.length);
    this.bytes.set(content, this.#at);
    this.#at += content.length;
  }

  raw(content: Uint8Array): void {
    this.bytes.set(content, this.#at);
    this.#at += content.length;
  }

  asciiField(field: number, content: string): void {
    this.open(field, content.length);
    this.#at += this.bytes.write(content, this.#at, 'latin1');
  }

  /** @param size bytes of `content` in UTF-8 */
  textField(field: number, content: string, size: number): void {
    this.open(field, size);
    this.#at += this.bytes.write(content, this.#at, size === content.length ? 'latin1' : 'utf8');
  }
}
