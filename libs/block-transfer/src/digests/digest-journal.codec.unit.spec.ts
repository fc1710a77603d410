import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from './block-digest.js';
import {
  decodeJournalHeader,
  encodeJournalHeader,
  encodeRecords,
  firstChain,
  itemsOf,
  RecordDecoder,
  type JournalItem,
} from './digest-journal.codec.js';

const HEADER = {
  ...{ diskBytes: 2 ** 40 + 512, algorithm: 'blake3' as const, generation: 'Täsk-1' },
  ...{ sequence: 7, base: Buffer.from(digestOf(Buffer.of(1), 'blake3')) },
};
const CHAIN = firstChain(encodeJournalHeader(HEADER));

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const blocks = { first: fc.nat(2 ** 32 - 1), count: fc.nat(2 ** 32 - 1) };
const records = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('forget' as const),
      items: fc.array(fc.record({ ...blocks, digest: fc.constant(null) }), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('confirm' as const),
      items: fc.array(fc.record({ ...blocks, digest: digests }), { minLength: 1, maxLength: 4 }),
    }),
  ),
  { minLength: 1, maxLength: 5 },
);
type Records = readonly { readonly kind: 'forget' | 'confirm'; readonly items: JournalItem[] }[];

/** The bytes of all records, and where each of them ends. */
function encodeAll(all: Records): { bytes: Buffer; ends: number[] } {
  const parts: Buffer[] = [];
  let chain = CHAIN;
  for (const { kind, items } of all) {
    const encoded = encodeRecords(kind, items, chain);
    parts.push(encoded.bytes);
    chain = encoded.chain;
  }
  let end = 0;
  return { bytes: Buffer.concat(parts), ends: parts.map((part) => (end += part.length)) };
}

/** Null: damaged. */
function decodeAll(bytes: Buffer, chunkBytes = bytes.length): JournalItem[] | null {
  const items: JournalItem[] = [];
  const decoder = new RecordDecoder(CHAIN, (item) => {
    items.push({ ...item, digest: item.digest === null ? null : new Uint8Array(item.digest) });
    return true;
  });
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    if (!decoder.push(bytes.subarray(start, start + chunkBytes))) return null;
  }
  return items;
}

describe('the header of a journal', () => {
  it('comes back whole, with or without a base, whatever follows it', () => {
    for (const other of [{}, { base: null }, { generation: '' }, { algorithm: 'sha256' as const }]) {
      const header = { ...HEADER, ...other };
      const encoded = encodeJournalHeader(header);
      expect(decodeJournalHeader(encoded)).toEqual(header);
      expect(decodeJournalHeader(Buffer.concat([encoded, Buffer.alloc(40, 0xff)]))).toEqual(header);
    }
  });

  it('with SHA-256 is the one that was written before there was a choice', () => {
    expect(encodeJournalHeader({ ...HEADER, algorithm: 'sha256' }).readUInt32BE(8)).toBe(1);
    expect(encodeJournalHeader(HEADER).readUInt32BE(8)).toBe(2);
  });

  it('is none when it is cut anywhere, or when any byte of it changed', () => {
    const encoded = encodeJournalHeader(HEADER);
    for (let at = 0; at < encoded.length; at += 1) {
      expect(decodeJournalHeader(encoded.subarray(0, at)), `cut at ${at}`).toBe(null);
      const damaged = Buffer.from(encoded);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      expect(decodeJournalHeader(damaged), `byte ${at}`).toBe(null);
    }
  });
});

describe('records', () => {
  it('come back as they were written, in whatever pieces they are read', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 200 }), (all, chunkBytes) => {
        expect(decodeAll(encodeAll(all).bytes, chunkBytes)).toEqual(all.flatMap(({ items }): JournalItem[] => items));
      }),
    );
  });

  it('are as many as were whole before the cut, wherever that was', () => {
    fc.assert(
      fc.property(records, (all) => {
        const { bytes, ends } = encodeAll(all);
        for (let cut = 0; cut <= bytes.length; cut += 1) {
          const whole = all.filter((_, index) => (ends[index] ?? 0) <= cut);
          expect(decodeAll(bytes.subarray(0, cut))).toEqual(whole.flatMap(({ items }): JournalItem[] => items));
        }
      }),
      { numRuns: 10 },
    );
  });

  it('are damaged when any byte of any of them changed, or one is missing, doubled or moved', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 255 }), (all, mask) => {
        const { bytes, ends } = encodeAll(all);
        for (let at = 0; at < bytes.length; at += 1) {
          const damaged = Buffer.from(bytes);
          damaged.writeUInt8(damaged.readUInt8(at) ^ mask, at);
          expect(decodeAll(damaged), `byte ${at}`).toBe(null);
        }
        const first = bytes.subarray(0, ends[0]);
        expect(decodeAll(Buffer.concat([first, bytes]))).toBe(null);
        if (ends.length > 1) expect(decodeAll(bytes.subarray(ends[0]))).toBe(null);
      }),
      { numRuns: 20 },
    );
  });

  it('hold neighbours in one item, and only blocks with the same digest', () => {
    const [a, b] = [digestOf(Buffer.of(1), 'blake3'), digestOf(Buffer.of(2), 'blake3')];
    const entry = (index: number, digest: Uint8Array | null) => ({ index, digest });
    expect(itemsOf([3, 4, 5, 9, 8].map((index) => entry(index, null)))).toEqual([
      { first: 3, count: 3, digest: null },
      { first: 9, count: 1, digest: null },
      { first: 8, count: 1, digest: null },
    ]);
    expect(itemsOf([entry(0, a), entry(1, Buffer.from(a)), entry(2, b), entry(4, b)])).toEqual([
      { first: 0, count: 2, digest: a },
      { first: 2, count: 1, digest: b },
      { first: 4, count: 1, digest: b },
    ]);
    // Runs join others, up to a gibibyte, so that a turn of whoever replays them is bounded.
    const run = (index: number, count: number) => ({ index, count, digest: a });
    expect(itemsOf([entry(0, a), run(1, 5), run(6, 16_378), run(16_384, 16_384), entry(32_768, a)])).toEqual([
      { first: 0, count: 16_384, digest: a },
      { first: 16_384, count: 16_384, digest: a },
      { first: 32_768, count: 1, digest: a },
    ]);
  });
});
