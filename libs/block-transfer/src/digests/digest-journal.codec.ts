import type { DigestAlgorithm } from '#libs/contracts';
import { crc32 } from 'node:zlib';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES } from './block-digest.js';
import { MAX_RUN_BLOCKS } from './digest-journal.js';

/**
 * Layout of a journal: a header, then records. Integers are big-endian.
 *
 * | bytes | header |
 * |---|---|
 * | 8 | `LFJOURNL` |
 * | 4 | layout version, which names the algorithm of the digests too: 1 for SHA-256, 2 for BLAKE3 |
 * | 4 | block bytes |
 * | 8 | disk bytes |
 * | 8 | sequence number |
 * | 32 | the digest at the end of the table that the journal goes on from; zeros: from nothing known |
 * | 4 | length of the generation id in bytes |
 * | n | generation id, UTF-8 |
 * | 4 | CRC-32 of everything before |
 *
 * | bytes | record |
 * |---|---|
 * | 4 | kind: 1 forget, 2 confirm |
 * | 4 | number of items |
 * | 4 | CRC-32 of the items |
 * | 4 | CRC-32 of the twelve bytes before |
 * | 8 or 40 each | items: first block, number of blocks, and, to confirm, the digest that each of them has |
 *
 * Each CRC goes on from the last one of the record before (the first from the header's), so a record that was lost,
 * doubled or moved shows as well. The head has a CRC of its own because only a length that can be relied on tells a
 * record that was cut off from one that was damaged.
 */
const MAGIC = Buffer.from('LFJOURNL', 'ascii');
const LAYOUT_VERSIONS: Record<DigestAlgorithm, number> = { sha256: 1, blake3: 2 };
const FIXED_HEADER_BYTES = 68;
const MAX_GENERATION_BYTES = 4096;
const CRC_BYTES = 4;
const RECORD_HEAD_BYTES = 16;
const RUN_BYTES = 8;
/** Bounds a record: 160 KiB. */
const MAX_ITEMS = 4096;
const Kind = { FORGET: 1, CONFIRM: 2 } as const;

export interface JournalHeader {
  readonly diskBytes: number;
  readonly algorithm: DigestAlgorithm;
  readonly generation: string;
  readonly sequence: number;
  /** Null: nothing was known. */
  readonly base: Buffer | null;
}

/** Neighbouring blocks; without a digest: to be forgotten. */
export interface JournalItem {
  readonly first: number;
  readonly count: number;
  readonly digest: Uint8Array | null;
}

export function encodeJournalHeader({ diskBytes, algorithm, generation, sequence, base }: JournalHeader): Buffer {
  const name = Buffer.from(generation, 'utf8');
  const header = Buffer.alloc(FIXED_HEADER_BYTES + name.length + CRC_BYTES);
  header.set(MAGIC, 0);
  header.writeUInt32BE(LAYOUT_VERSIONS[algorithm], 8);
  header.writeUInt32BE(DIGEST_BLOCK_BYTES, 12);
  header.writeBigUInt64BE(BigInt(diskBytes), 16);
  header.writeBigUInt64BE(BigInt(sequence), 24);
  if (base !== null) header.set(base, 32);
  header.writeUInt32BE(name.length, 64);
  header.set(name, FIXED_HEADER_BYTES);
  header.writeUInt32BE(crc32(header.subarray(0, -CRC_BYTES)), header.length - CRC_BYTES);
  return header;
}

/** Null when `start` does not begin with a whole header. */
export function decodeJournalHeader(start: Buffer): JournalHeader | null {
  if (start.length < FIXED_HEADER_BYTES + CRC_BYTES) return null;
  const end = FIXED_HEADER_BYTES + start.readUInt32BE(64);
  if (end > FIXED_HEADER_BYTES + MAX_GENERATION_BYTES || start.length < end + CRC_BYTES) return null;
  if (start.readUInt32BE(end) !== crc32(start.subarray(0, end))) return null;
  const base = Buffer.from(start.subarray(32, 64));
  const header = {
    diskBytes: Number(start.readBigUInt64BE(16)),
    algorithm: start.readUInt32BE(8) === LAYOUT_VERSIONS.blake3 ? ('blake3' as const) : ('sha256' as const),
    sequence: Number(start.readBigUInt64BE(24)),
    base: base.equals(Buffer.alloc(DIGEST_BYTES)) ? null : base,
    generation: start.toString('utf8', FIXED_HEADER_BYTES, end),
  };
  // Magic, version and block size are right if the same header would be written today.
  return encodeJournalHeader(header).equals(start.subarray(0, end + CRC_BYTES)) ? header : null;
}

/** Bytes that certainly hold a header, if the file does. */
export const MAX_JOURNAL_HEADER_BYTES = FIXED_HEADER_BYTES + MAX_GENERATION_BYTES + CRC_BYTES;

/** What the first record's checksums go on from. */
export function firstChain(encodedHeader: Buffer): number {
  return encodedHeader.readUInt32BE(encodedHeader.length - CRC_BYTES);
}

/** Blocks in as few items as their order allows: neighbours with the same digest (zeros, mostly) are one. */
export function itemsOf(
  entries: Iterable<{ index: number; count?: number; digest: Uint8Array | null }>,
): JournalItem[] {
  const items: { first: number; count: number; digest: Uint8Array | null }[] = [];
  for (const { index, count = 1, digest } of entries) {
    const last = items.at(-1);
    const isNext = last !== undefined && index === last.first + last.count && last.count + count <= MAX_RUN_BLOCKS;
    if (isNext && sameDigest(digest, last.digest)) last.count += count;
    else items.push({ first: index, count, digest });
  }
  return items;
}

/** Records of one kind for any number of items, and what the next record's checksums go on from. */
export function encodeRecords(
  kind: 'forget' | 'confirm',
  items: readonly JournalItem[],
  chain: number,
): { bytes: Buffer; chain: number } {
  const records: Buffer[] = [];
  let last = chain;
  for (let start = 0; start < items.length; start += MAX_ITEMS) {
    const part = items.slice(start, start + MAX_ITEMS);
    const itemBytes = bytesPerItem(kind === 'forget' ? Kind.FORGET : Kind.CONFIRM);
    const record = Buffer.alloc(RECORD_HEAD_BYTES + part.length * itemBytes);
    for (const [place, { first, count, digest }] of part.entries()) {
      const offset = RECORD_HEAD_BYTES + place * itemBytes;
      record.writeUInt32BE(first, offset);
      record.writeUInt32BE(count, offset + 4);
      if (digest !== null) record.set(digest, offset + RUN_BYTES);
    }
    record.writeUInt32BE(kind === 'forget' ? Kind.FORGET : Kind.CONFIRM, 0);
    record.writeUInt32BE(part.length, 4);
    record.writeUInt32BE(crc32(record.subarray(RECORD_HEAD_BYTES), last), 8);
    last = crc32(record.subarray(0, 12), last);
    record.writeUInt32BE(last, 12);
    records.push(record);
  }
  return { bytes: Buffer.concat(records), chain: last };
}

/**
 * Takes the records of a journal apart as they are read. A record that is cut off at the end is none; one that is all
 * there and does not fit its checksums makes the journal worthless, because what it said is not known.
 */
export class RecordDecoder {
  private rest = Buffer.alloc(0);

  constructor(
    private chain: number,
    /** False: no journal of this table can hold such an item. */
    private readonly onItem: (item: JournalItem) => boolean,
  ) {}

  /** False when the journal is damaged. */
  push(chunk: Buffer): boolean {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (;;) {
      if (bytes.length < RECORD_HEAD_BYTES) break;
      const [kind, count] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
      if (bytes.readUInt32BE(12) !== crc32(bytes.subarray(0, 12), this.chain)) return false;
      if ((kind !== Kind.FORGET && kind !== Kind.CONFIRM) || count > MAX_ITEMS) return false;
      const end = RECORD_HEAD_BYTES + count * bytesPerItem(kind);
      if (bytes.length < end) break;
      const items = bytes.subarray(RECORD_HEAD_BYTES, end);
      if (bytes.readUInt32BE(8) !== crc32(items, this.chain)) return false;
      this.chain = bytes.readUInt32BE(12);
      if (!this.emit(items, bytesPerItem(kind))) return false;
      bytes = bytes.subarray(end);
    }
    this.rest = Buffer.from(bytes);
    return true;
  }

  private emit(items: Buffer, itemBytes: number): boolean {
    for (let offset = 0; offset < items.length; offset += itemBytes) {
      const [first, count] = [items.readUInt32BE(offset), items.readUInt32BE(offset + 4)];
      const digest = itemBytes === RUN_BYTES ? null : items.subarray(offset + RUN_BYTES, offset + itemBytes);
      if (!this.onItem({ first, count, digest })) return false;
    }
    return true;
  }
}

function bytesPerItem(kind: number): number {
  return kind === Kind.FORGET ? RUN_BYTES : RUN_BYTES + DIGEST_BYTES;
}

function sameDigest(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);
}
