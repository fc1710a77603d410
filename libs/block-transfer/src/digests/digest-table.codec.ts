import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES } from './block-digest.js';

/**
 * Layout of a stored table: header, entries, SHA-256 over both, whatever the entries are. Integers are big-endian.
 *
 * | bytes | what |
 * |---|---|
 * | 8 | `LFDIGEST` |
 * | 4 | layout version, which names the algorithm of the entries too: 2 for SHA-256, 3 for BLAKE3 |
 * | 4 | block bytes |
 * | 8 | disk bytes |
 * | 8 | sequence number: grows with every table and journal that is begun |
 * | 4 | length of the generation id in bytes |
 * | n | generation id, UTF-8 |
 * | 32 per block | entries |
 * | 32 | SHA-256 of everything before |
 */
const MAGIC = Buffer.from('LFDIGEST', 'ascii');
const LAYOUT_VERSIONS: Record<DigestAlgorithm, number> = { sha256: 2, blake3: 3 };
const SEQUENCE_OFFSET = 24;
export const SEQUENCE_END_OFFSET = SEQUENCE_OFFSET + 8;
const FIXED_HEADER_BYTES = 36;

export interface TableHeader {
  readonly diskBytes: number;
  readonly algorithm: DigestAlgorithm;
  readonly generation: string;
}

export function encodeTableHeader({ diskBytes, algorithm, generation }: TableHeader, sequence: number): Buffer {
  const name = Buffer.from(generation, 'utf8');
  const header = Buffer.alloc(FIXED_HEADER_BYTES + name.length);
  header.set(MAGIC, 0);
  header.writeUInt32BE(LAYOUT_VERSIONS[algorithm], 8);
  header.writeUInt32BE(DIGEST_BLOCK_BYTES, 12);
  header.writeBigUInt64BE(BigInt(diskBytes), 16);
  header.writeBigUInt64BE(BigInt(sequence), SEQUENCE_OFFSET);
  header.writeUInt32BE(name.length, SEQUENCE_END_OFFSET);
  header.set(name, FIXED_HEADER_BYTES);
  return header;
}

/** The sequence number in the beginning of a table's file; null when these are not the first bytes of one. */
export function sequenceOfTable(start: Buffer): number | null {
  if (start.length < SEQUENCE_END_OFFSET || !start.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  if (!Object.values(LAYOUT_VERSIONS).includes(start.readUInt32BE(8))) return null;
  const sequence = start.readBigUInt64BE(SEQUENCE_OFFSET);
  return sequence < BigInt(Number.MAX_SAFE_INTEGER) ? Number(sequence) : null;
}

/** Bytes of the whole file for a table of this disk and generation. */
export function tableFileBytes(header: TableHeader): number {
  return (
    encodeTableHeader(header, 0).length + Math.ceil(header.diskBytes / DIGEST_BLOCK_BYTES) * DIGEST_BYTES + DIGEST_BYTES
  );
}
