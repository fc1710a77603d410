import { DIGEST_BLOCK_BYTES, DIGEST_BYTES } from './block-digest.js';

/**
 * Layout of a stored table: header, entries, SHA-256 over both. Integers are big-endian.
 *
 * | bytes | what |
 * |---|---|
 * | 8 | `LFDIGEST` |
 * | 4 | layout version, 1 |
 * | 4 | block bytes |
 * | 8 | disk bytes |
 * | 4 | length of the generation id in bytes |
 * | n | generation id, UTF-8 |
 * | 32 per block | entries |
 * | 32 | SHA-256 of everything before |
 */
const MAGIC = Buffer.from('LFDIGEST', 'ascii');
const LAYOUT_VERSION = 1;
const FIXED_HEADER_BYTES = 28;

export interface TableHeader {
  readonly diskBytes: number;
  readonly generation: string;
}

export function encodeTableHeader({ diskBytes, generation }: TableHeader): Buffer {
  const name = Buffer.from(generation, 'utf8');
  const header = Buffer.alloc(FIXED_HEADER_BYTES + name.length);
  header.set(MAGIC, 0);
  header.writeUInt32BE(LAYOUT_VERSION, 8);
  header.writeUInt32BE(DIGEST_BLOCK_BYTES, 12);
  header.writeBigUInt64BE(BigInt(diskBytes), 16);
  header.writeUInt32BE(name.length, 24);
  header.set(name, FIXED_HEADER_BYTES);
  return header;
}

/** Bytes of the whole file for a table of this disk and generation. */
export function tableFileBytes(header: TableHeader): number {
  return (
    encodeTableHeader(header).length + Math.ceil(header.diskBytes / DIGEST_BLOCK_BYTES) * DIGEST_BYTES + DIGEST_BYTES
  );
}
