import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOfBlock, isZeroBlock, zeroBlockDigest } from './block-digest.js';
import { DigestTable } from './digest-table.js';

const sha = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The documented tree once more, the other way round: from the root down. */
function expectedRoot(leaves: Buffer[], diskBytes: number): string {
  const node = (from: number, to: number): Buffer => {
    const count = to - from;
    if (count === 1) return leaves[from]!;
    // Promotion of odd ones makes the left subtree the largest full one.
    const left = 2 ** Math.ceil(Math.log2(count) - 1);
    return sha(Buffer.from([1]), node(from, from + left), node(from + left, to));
  };
  const sizes = Buffer.alloc(12);
  sizes.writeBigUInt64BE(BigInt(diskBytes), 0);
  sizes.writeUInt32BE(DIGEST_BLOCK_BYTES, 8);
  return sha(Buffer.from([2]), sizes, node(0, leaves.length)).toString('hex');
}

describe('block digests', () => {
  it('are SHA-256, of zeros too, at any length up to a block', () => {
    for (const length of [1, 512, 4096, DIGEST_BLOCK_BYTES - 1, DIGEST_BLOCK_BYTES]) {
      const zeros = Buffer.alloc(length);
      expect(isZeroBlock(zeros)).toBe(true);
      expect(Buffer.from(digestOfBlock(zeros))).toEqual(sha(zeros));
      expect(Buffer.from(zeroBlockDigest(length))).toEqual(sha(zeros));
      zeros[length - 1] = 1;
      expect(isZeroBlock(zeros)).toBe(false);
      expect(Buffer.from(digestOfBlock(zeros))).toEqual(sha(zeros));
    }
  });
});

describe('DigestTable', () => {
  it('counts a short last block', () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES + 512);
    expect(table.blockCount).toBe(3);
    expect([0, 1, 2].map((index) => table.blockBytes(index))).toEqual([DIGEST_BLOCK_BYTES, DIGEST_BLOCK_BYTES, 512]);
  });

  it('knows an entry from its setting to its forgetting; an unknown one equals nothing', () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES);
    const digest = sha(Buffer.from('a'));
    expect(table.isKnown(0)).toBe(false);
    expect(table.matches(0, new Uint8Array(32))).toBe(false);
    expect(() => table.get(0)).toThrow(/not known/);
    table.set(0, digest);
    expect(Buffer.from(table.get(0))).toEqual(digest);
    expect(table.matches(0, digest)).toBe(true);
    expect(table.matches(1, digest)).toBe(false);
    table.forget(0);
    expect(table.isKnown(0)).toBe(false);
  });

  it('refuses wrong sizes and indices', () => {
    const table = DigestTable.unknown(1);
    for (const index of [-1, 1, 0.5]) expect(() => table.isKnown(index)).toThrow(RangeError);
    expect(() => table.set(0, new Uint8Array(31))).toThrow(RangeError);
    expect(() => DigestTable.unknown(0)).toThrow(RangeError);
    expect(() => table.copyFrom(DigestTable.unknown(2))).toThrow(RangeError);
  });

  it('has the root of the documented tree, for any number of blocks, equal neighbours included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 512 }),
        (kinds, tail) => {
          const diskBytes = (kinds.length - 1) * DIGEST_BLOCK_BYTES + tail;
          const table = DigestTable.unknown(diskBytes);
          const leaves = kinds.map((kind) => sha(Buffer.from([kind])));
          for (const [index, leaf] of leaves.entries()) table.set(index, leaf);
          expect(table.rootDigest()).toBe(expectedRoot(leaves, diskBytes));
        },
      ),
    );
  });

  it('has another root when one block, or only the size, differs', () => {
    const build = (diskBytes: number, odd: number): string => {
      const table = DigestTable.unknown(diskBytes);
      for (let index = 0; index < table.blockCount; index += 1)
        table.set(index, sha(Buffer.from([index === odd ? 1 : 0])));
      return table.rootDigest();
    };
    const size = 5 * DIGEST_BLOCK_BYTES;
    const roots = [build(size, -1), build(size - 1, -1), ...[0, 1, 2, 3, 4].map((odd) => build(size, odd))];
    expect(new Set(roots).size).toBe(roots.length);
  });

  it('has no root while an entry is unknown', () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES);
    table.set(0, sha());
    expect(() => table.rootDigest()).toThrow(/block 1/);
  });
});
