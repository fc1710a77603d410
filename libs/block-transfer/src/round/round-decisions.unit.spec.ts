import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOfBlock, zeroBlockDigest } from '../digests/block-digest.js';
import { DigestTable } from '../digests/digest-table.js';
import { endOf, mergeExtents } from '../extents/byte-extents.js';
import { usedMapFromFree, usedMapOf } from '../used-blocks/used-map.js';
import { MAX_RUN_BLOCKS } from '../digests/digest-journal.js';
import {
  AcknowledgementBook,
  commitBatch,
  FLUSH_EVERY_BYTES,
  knownBlocksOf,
  UNFLUSHED_LIMIT_BYTES,
} from './acknowledgement-book.js';
import { decideBlocks, freeBlocksToZero } from './block-decisions.js';
import {
  blockSpan,
  bytesToCompare,
  RUN_BYTES,
  sendableExtents,
  sweepSteps,
  sweepStepsWithin,
  type SweepStep,
} from './block-plan.js';
import { BlockSet } from './block-set.js';
import { zeroFreeBytes } from './canonical-content.js';
import { Pool } from '../pool.js';
import { ZeroBatch } from './zero-batch.js';

const BLOCK = DIGEST_BLOCK_BYTES;
const DISK_BYTES = 100 * BLOCK + 1536;
const usedMaps = fc.array(fc.tuple(fc.nat(DISK_BYTES - 1), fc.nat(20 * BLOCK)), { maxLength: 12 }).map((list) =>
  usedMapOf(
    DISK_BYTES,
    list.map(([offsetBytes, length]) => ({ offsetBytes, lengthBytes: Math.min(length, DISK_BYTES - offsetBytes) })),
  ),
);

describe('used maps', () => {
  it('call everything used that is not known to be free', () => {
    expect(usedMapFromFree(1000, [{ offsetBytes: 200, lengthBytes: 300 }])).toEqual({
      diskBytes: 1000,
      usedBytes: 700,
      extents: [
        { offsetBytes: 0, lengthBytes: 200 },
        { offsetBytes: 500, lengthBytes: 500 },
      ],
    });
    expect(usedMapFromFree(1000, []).usedBytes).toBe(1000);
  });

  it('refuse extents beyond the disk', () => {
    expect(() => usedMapOf(1000, [{ offsetBytes: 900, lengthBytes: 101 }])).toThrow(RangeError);
  });
});

describe('sweepSteps', () => {
  it('covers the disk once, in order and in whole blocks, and reads every used byte', () => {
    fc.assert(
      fc.property(usedMaps, (used) => {
        let cursor = 0;
        const compared = [];
        for (const { kind, range } of sweepSteps(used)) {
          expect(range.offsetBytes).toBe(cursor);
          expect(range.offsetBytes % BLOCK).toBe(0);
          cursor = endOf(range);
          if (kind === 'compare') {
            expect(range.lengthBytes).toBeLessThanOrEqual(RUN_BYTES);
            compared.push(range);
          }
        }
        expect(cursor).toBe(DISK_BYTES);
        const all = mergeExtents(compared);
        expect(mergeExtents([...all, ...used.extents])).toEqual(all);
        expect(bytesToCompare(used)).toBe(compared.reduce((total, range) => total + range.lengthBytes, 0));
        expect(bytesToCompare(used)).toBeLessThanOrEqual(used.usedBytes + used.extents.length * 2 * BLOCK);
      }),
    );
  });

  it('is the same within some blocks as over the disk, and goes nowhere else', () => {
    const blockKinds = (steps: Iterable<SweepStep>): [number, SweepStep['kind']][] =>
      [...steps].flatMap(({ kind, range }) => {
        const { first, end } = blockSpan(range);
        return Array.from({ length: end - first }, (_, place): [number, SweepStep['kind']] => [first + place, kind]);
      });
    fc.assert(
      fc.property(usedMaps, fc.uniqueArray(fc.nat(100)), (used, blocks) => {
        const only = new BlockSet(DISK_BYTES);
        for (const index of blocks) only.add(index);
        const wanted = blockKinds(sweepSteps(used)).filter(([index]) => only.has(index));
        expect(blockKinds(sweepStepsWithin(used, only.ranges()))).toEqual(wanted);
      }),
    );
  });

  it('sends at most a page more at each edge than what is used', () => {
    const used = usedMapOf(DISK_BYTES, [
      { offsetBytes: 5000, lengthBytes: 1000 },
      { offsetBytes: DISK_BYTES - 10, lengthBytes: 10 },
    ]);
    expect(sendableExtents(used)).toEqual([
      { offsetBytes: 4096, lengthBytes: 4096 },
      { offsetBytes: 100 * BLOCK, lengthBytes: 1536 },
    ]);
  });
});

describe('zeroFreeBytes', () => {
  it('keeps used bytes and makes all others zero', () => {
    const disk = 300;
    const lists = fc.array(fc.tuple(fc.nat(disk - 1), fc.nat(50)));
    fc.assert(
      fc.property(lists, fc.nat(disk - 1), fc.nat(100), (list, offset, length) => {
        const used = mergeExtents(
          list.map(([offsetBytes, size]) => ({ offsetBytes, lengthBytes: Math.min(size, disk - offsetBytes) })),
        );
        const content = new Uint8Array(Math.min(length, disk - offset)).fill(7);
        zeroFreeBytes(content, offset, used);
        for (const [index, byte] of content.entries()) {
          const isUsed = used.some((range) => range.offsetBytes <= offset + index && offset + index < endOf(range));
          expect(byte).toBe(isUsed ? 7 : 0);
        }
      }),
    );
  });
});

describe('decideBlocks', () => {
  const content = Buffer.alloc(4 * BLOCK + 512);
  content.fill(1, 0, BLOCK);
  content.fill(2, BLOCK, 2 * BLOCK);
  content.fill(3, 3 * BLOCK, 3 * BLOCK + 1);
  const offset = 10 * BLOCK;
  const range = (first: number, blocks: number, bytes = blocks * BLOCK) => ({
    offsetBytes: (10 + first) * BLOCK,
    lengthBytes: bytes,
  });
  const digestOf = (block: number): Uint8Array =>
    digestOfBlock(content.subarray(block * BLOCK, (block + 1) * BLOCK), 'blake3');

  it('sends or zeroes everything when nothing is known of the target', () => {
    const decision = decideBlocks(content, offset, null, 'blake3');
    expect(decision.unchanged).toEqual([]);
    expect(decision.send).toEqual([range(0, 2), range(3, 1)]);
    expect(decision.zero).toEqual([range(2, 1), range(4, 1, 512)]);
    expect(decision.changed.map(({ index }) => index)).toEqual([10, 11, 13]);
    expect(decision.changed.map(({ digest }) => digest)).toEqual([0, 1, 3].map(digestOf));
  });

  it('leaves alone what the target has, sends what differs or is unknown', () => {
    const baseline = DigestTable.unknown(20 * BLOCK, 'blake3');
    baseline.set(10, digestOf(0));
    baseline.set(11, digestOf(0));
    baseline.set(12, zeroBlockDigest(BLOCK, 'blake3'));
    baseline.set(14, zeroBlockDigest(BLOCK, 'blake3'));
    const decision = decideBlocks(content, offset, baseline, 'blake3');
    expect(decision.unchanged.map(({ index }) => index)).toEqual([10, 12]);
    expect(decision.send).toEqual([range(1, 1), range(3, 1)]);
    // A short block of zeros is another content than a whole one.
    expect(decision.zero).toEqual([range(4, 1, 512)]);
  });

  it('zeroes free blocks that are not known to be zero', () => {
    const baseline = DigestTable.unknown(4 * BLOCK + 512, 'blake3');
    baseline.set(1, zeroBlockDigest(BLOCK, 'blake3'));
    baseline.set(2, digestOf(0));
    expect(freeBlocksToZero({ offsetBytes: 0, lengthBytes: 4 * BLOCK + 512 }, baseline)).toEqual([
      { offsetBytes: 0, lengthBytes: BLOCK },
      { offsetBytes: 2 * BLOCK, lengthBytes: 2 * BLOCK + 512 },
    ]);
    baseline.set(0, zeroBlockDigest(BLOCK, 'blake3'));
    baseline.set(2, zeroBlockDigest(BLOCK, 'blake3'));
    baseline.set(3, zeroBlockDigest(BLOCK, 'blake3'));
    baseline.set(4, zeroBlockDigest(512, 'blake3'));
    expect(freeBlocksToZero({ offsetBytes: 0, lengthBytes: 4 * BLOCK + 512 }, baseline)).toEqual([]);
  });
});

describe('AcknowledgementBook', () => {
  it('gives terabytes of zeros in runs that are items of a journal, the shorter last block by itself', () => {
    const table = DigestTable.unknown(2 * MAX_RUN_BLOCKS * BLOCK + 512, 'blake3');
    const zeroed = [{ offsetBytes: 3 * BLOCK, lengthBytes: table.diskBytes - 3 * BLOCK }];
    const runs = [...knownBlocksOf({ ranges: [], zeroed, digests: [], prepared: [], payloadBytes: 0 }, table)];
    expect(runs.map(({ index, count }) => [index, count])).toEqual([
      [3, MAX_RUN_BLOCKS],
      [MAX_RUN_BLOCKS + 3, MAX_RUN_BLOCKS - 3],
      [2 * MAX_RUN_BLOCKS, 1],
    ]);
    expect(runs.map(({ digest }) => digest)).toEqual(
      [BLOCK, BLOCK, 512].map((bytes) => zeroBlockDigest(bytes, 'blake3')),
    );
  });

  const block = (index: number, bytes = BLOCK) => ({ offsetBytes: index * BLOCK, lengthBytes: bytes });

  it('gives what was answered once, merged, and enters it into the table only on commit', async () => {
    const book = new AcknowledgementBook(0);
    const table = DigestTable.unknown(8 * BLOCK + 512, 'blake3');
    const digest = zeroBlockDigest(3, 'blake3');
    book.written([block(1)], [{ index: 1, digest }], BLOCK);
    book.madeZero({ offsetBytes: 2 * BLOCK, lengthBytes: 6 * BLOCK + 512 }, 0);
    const batch = book.take(1);
    book.written([block(0)], [{ index: 0, digest }], BLOCK);
    expect(batch.ranges).toEqual([{ offsetBytes: BLOCK, lengthBytes: 7 * BLOCK + 512 }]);
    expect(batch.payloadBytes).toBe(BLOCK);
    expect(table.isKnown(1)).toBe(false);
    await commitBatch(batch, table);
    expect(table.isKnown(0)).toBe(false);
    expect(table.matches(1, digest)).toBe(true);
    for (const index of [2, 7]) expect(table.matches(index, zeroBlockDigest(BLOCK, 'blake3'))).toBe(true);
    expect(table.matches(8, zeroBlockDigest(512, 'blake3'))).toBe(true);
    expect(book.take(2).ranges).toEqual([block(0)]);
  });

  it('is due by bytes, by ranges, or by time when there is anything to flush', () => {
    const byBytes = new AcknowledgementBook(0);
    byBytes.written([block(0)], [], FLUSH_EVERY_BYTES - 1);
    expect(byBytes.isDue(0)).toBe(false);
    byBytes.written([block(1)], [], 1);
    expect(byBytes.isDue(0)).toBe(true);
    const byRanges = new AcknowledgementBook(0);
    for (let index = 0; index < 4096; index += 1) byRanges.prepared(block(2 * index), 0);
    expect(byRanges.isDue(0)).toBe(true);
    const byTime = new AcknowledgementBook(0);
    expect(byTime.isDue(60_000)).toBe(false);
    byTime.madeZero(block(0), 0);
    expect(byTime.isDue(999)).toBe(false);
    expect(byTime.isDue(1000)).toBe(true);
    byTime.take(1000);
    byTime.madeZero(block(1), 0);
    expect(byTime.isDue(1999)).toBe(false);
  });

  it('is full while the FLUSH under way and what came since hold two windows of payload', () => {
    const book = new AcknowledgementBook(0);
    book.written([block(0)], [], UNFLUSHED_LIMIT_BYTES - 1);
    expect(book.isFull()).toBe(false);
    book.take(0);
    expect(book.isFull()).toBe(false);
    book.written([block(1)], [], 1);
    expect(book.isFull()).toBe(true);
    book.flushed();
    expect(book.isFull()).toBe(false);
  });
});

describe('ZeroBatch', () => {
  it('lets neighbours leave together, whatever order they came in', () => {
    const batch = new ZeroBatch();
    const left: unknown[] = [];
    for (let index = 255; index >= 0; index -= 1)
      left.push(...batch.add([{ offsetBytes: index * BLOCK, lengthBytes: BLOCK }]));
    expect(left).toEqual([{ offsetBytes: 0, lengthBytes: 256 * BLOCK }]);
    expect(batch.add([{ offsetBytes: 5, lengthBytes: 1 }])).toEqual([]);
    expect(batch.take()).toEqual([{ offsetBytes: 5, lengthBytes: 1 }]);
    expect(batch.take()).toEqual([]);
  });
});

describe('Pool', () => {
  it('never lends a thing twice, and serves who waits in order', async () => {
    const pool = new Pool(['a', 'b']);
    const first = await pool.take();
    const second = await pool.take();
    expect(new Set([first, second])).toEqual(new Set(['a', 'b']));
    const order: string[] = [];
    const waiting = ['x', 'y'].map(async (name) => order.push(`${name}:${await pool.take()}`));
    pool.give('a');
    pool.give('b');
    await Promise.all(waiting);
    expect(order).toEqual(['x:a', 'y:b']);
  });
});
