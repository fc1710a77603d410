import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { invertExtents, totalBytes } from '../extents/byte-extents.js';
import { BlockSet } from './block-set.js';

const BLOCKS = 20;
const DISK_BYTES = (BLOCKS - 1) * DIGEST_BLOCK_BYTES + 512;
const WHOLE = { offsetBytes: 0, lengthBytes: DISK_BYTES };

/** Whole blocks, the last one shorter. */
function blocks(first: number, count: number) {
  const offsetBytes = first * DIGEST_BLOCK_BYTES;
  return { offsetBytes, lengthBytes: Math.min(count * DIGEST_BLOCK_BYTES, DISK_BYTES - offsetBytes) };
}

describe('BlockSet', () => {
  it('is the set of what was added and not removed, in bytes, in extents and in what a range lacks', () => {
    const changes = fc.array(fc.record({ first: fc.nat(BLOCKS - 1), count: fc.nat(6), adds: fc.boolean() }));
    fc.assert(
      fc.property(changes, (list) => {
        const set = new BlockSet(DISK_BYTES);
        const wanted = new Set<number>();
        for (const { first, count, adds } of list) {
          if (adds) set.addRange(blocks(first, count));
          for (let index = first; index < Math.min(first + count, BLOCKS); index += 1) {
            if (adds) wanted.add(index);
            else {
              set.remove(index);
              wanted.delete(index);
            }
          }
        }
        expect([...set.indices()]).toEqual([...wanted].sort((a, b) => a - b));
        expect(set.totalBytes).toBe(totalBytes(set.extents()));
        expect(set.totalBytes).toBe([...wanted].reduce((total, index) => total + blocks(index, 1).lengthBytes, 0));
        expect(set.missingIn(WHOLE)).toEqual(invertExtents(set.extents(), DISK_BYTES));
        expect(set.missingIn(blocks(3, 2)).length === 0).toBe(wanted.has(3) && wanted.has(4));
        for (const { first, count } of list) {
          const within = blocks(first, Math.max(count, 1));
          const inside = [...wanted].filter((index) => index >= first && index < first + Math.max(count, 1));
          expect([...set.indices(within)]).toEqual(inside.sort((a, b) => a - b));
          expect(totalBytes([...set.ranges(within)])).toBe(totalBytes(inside.map((index) => blocks(index, 1))));
        }
        set.clear();
        expect([set.totalBytes, set.extents(), set.missingIn(WHOLE)]).toEqual([0, [], [WHOLE]]);
      }),
    );
  });

  it('adds and removes whole sets', () => {
    const indices = fc.uniqueArray(fc.nat(BLOCKS - 1));
    const setOf = (list: readonly number[]): BlockSet => {
      const set = new BlockSet(DISK_BYTES);
      for (const index of list) set.add(index);
      return set;
    };
    fc.assert(
      fc.property(indices, indices, indices, (mine, others, except) => {
        const set = setOf(mine);
        set.addFrom(setOf(others), setOf(except));
        const union = setOf([...mine, ...others.filter((index) => !except.includes(index))]);
        expect([set.extents(), set.totalBytes]).toEqual([union.extents(), union.totalBytes]);
        set.removeFrom(setOf(except));
        const rest = setOf([...union.indices()].filter((index) => !except.includes(index)));
        expect([set.extents(), set.totalBytes]).toEqual([rest.extents(), rest.totalBytes]);
      }),
    );
  });

  it.each([1, 7, 8, 9, 20])('adds all blocks of a disk of %i', (count) => {
    const diskBytes = (count - 1) * DIGEST_BLOCK_BYTES + 512;
    const set = new BlockSet(diskBytes);
    set.addAll();
    expect([...set.indices()]).toEqual(Array.from({ length: count }, (_, index) => index));
    expect(set.totalBytes).toBe(diskBytes);
  });
});
