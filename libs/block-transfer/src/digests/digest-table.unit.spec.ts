import type { DigestAlgorithm } from '#libs/contracts';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOf } from './block-digest.js';
import { DigestTable } from './digest-table.js';

const FAN_OUT = { blake3: 1024, sha256: 2 } as const;

/** The documented tree once more, level by level. */
function expectedRoot(leaves: readonly Uint8Array[], diskBytes: number, algorithm: DigestAlgorithm): string {
  const of = (...parts: Uint8Array[]): Uint8Array => digestOf(Buffer.concat(parts), algorithm);
  let level = leaves;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let first = 0; first < level.length; first += FAN_OUT[algorithm]) {
      const group = level.slice(first, first + FAN_OUT[algorithm]);
      next.push(group.length === 1 ? group[0]! : of(Buffer.of(1), ...group));
    }
    level = next;
  }
  const sizes = Buffer.alloc(12);
  sizes.writeBigUInt64BE(BigInt(diskBytes), 0);
  sizes.writeUInt32BE(DIGEST_BLOCK_BYTES, 8);
  return Buffer.from(of(Buffer.of(2), sizes, level[0]!)).toString('hex');
}

describe.each(['blake3', 'sha256'] as const)('DigestTable of %s', (algorithm) => {
  const digest = (content: number): Uint8Array => digestOf(Buffer.of(content), algorithm);

  it('counts a short last block', () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES + 512, algorithm);
    expect(table.blockCount).toBe(3);
    expect([0, 1, 2].map((index) => table.blockBytes(index))).toEqual([DIGEST_BLOCK_BYTES, DIGEST_BLOCK_BYTES, 512]);
  });

  it('knows an entry from its setting to its forgetting; an unknown one equals nothing', () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES, algorithm);
    const known = digest(1);
    expect(table.isKnown(0)).toBe(false);
    expect(table.matches(0, new Uint8Array(32))).toBe(false);
    expect(() => table.get(0)).toThrow(/not known/);
    table.set(0, known);
    expect(Buffer.from(table.get(0))).toEqual(Buffer.from(known));
    expect(table.matches(0, known)).toBe(true);
    expect(table.matches(1, known)).toBe(false);
    table.forget(0);
    expect(table.isKnown(0)).toBe(false);
  });

  it('refuses wrong sizes and indices', () => {
    const table = DigestTable.unknown(1, algorithm);
    for (const index of [-1, 1, 0.5]) expect(() => table.isKnown(index)).toThrow(RangeError);
    expect(() => table.set(0, new Uint8Array(31))).toThrow(RangeError);
    expect(() => DigestTable.unknown(0, algorithm)).toThrow(RangeError);
    expect(() => table.copyFrom(DigestTable.unknown(2, algorithm))).toThrow(RangeError);
  });

  it('has the root of the documented tree, for any number of blocks, equal neighbours included', async () => {
    // Around the sizes at which a level, or two, are just full.
    const counts = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1023, max: 2050 }));
    const runs = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 600 })), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(counts, runs, fc.integer({ min: 1, max: 512 }), async (count, kinds, tail) => {
        const leaves = kinds.flatMap(([kind, length]) => Array.from({ length }, () => digest(kind)));
        while (leaves.length < count) leaves.push(digest(leaves.length % 251));
        leaves.length = count;
        expect(await rootOf(leaves, tail)).toBe(expectedRoot(leaves, diskBytesOf(count, tail), algorithm));
      }),
    );
  });

  it('has another root when one block, or only the size, differs', async () => {
    const build = (tail: number, odd: number): Promise<string> =>
      rootOf(
        Array.from({ length: 5 }, (_, index) => digest(index === odd ? 1 : 0)),
        tail,
      );
    const roots = [build(DIGEST_BLOCK_BYTES, -1), build(1, -1)];
    for (const odd of [0, 1, 2, 3, 4]) roots.push(build(DIGEST_BLOCK_BYTES, odd));
    expect(new Set(await Promise.all(roots)).size).toBe(roots.length);
  });

  it('has no root while an entry is unknown', async () => {
    const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES, algorithm);
    table.set(0, digest(0));
    await expect(table.rootDigest()).rejects.toThrow(/block 1/);
  });

  it('lets everything else go on while it computes its root', async () => {
    const blocks = { blake3: 2_000_000, sha256: 60_000 }[algorithm];
    const table = DigestTable.unknown(blocks * DIGEST_BLOCK_BYTES, algorithm);
    // No two groups of entries are equal.
    const words = Uint32Array.from({ length: (blocks * 32) / 4 }, (_, word) => word + 1);
    table.enter(0, new Uint8Array(words.buffer));
    let turns = 0;
    const others = setInterval(() => (turns += 1), 1);
    await table.rootDigest();
    clearInterval(others);
    // Were it computed in one go, nothing else would have had a turn.
    expect(turns).toBeGreaterThan(0);
  });

  it('has nothing to do with a table of another algorithm', () => {
    const other = DigestTable.unknown(1, algorithm === 'blake3' ? 'sha256' : 'blake3');
    expect(DigestTable.unknown(1, algorithm).isComparableTo(other)).toBe(false);
    expect(() => DigestTable.unknown(1, algorithm).copyFrom(other)).toThrow(RangeError);
  });

  const diskBytesOf = (count: number, tail: number): number => (count - 1) * DIGEST_BLOCK_BYTES + tail;

  function rootOf(leaves: readonly Uint8Array[], tail: number): Promise<string> {
    const table = DigestTable.unknown(diskBytesOf(leaves.length, tail), algorithm);
    for (const [index, leaf] of leaves.entries()) table.set(index, leaf);
    return table.rootDigest();
  }
});

it('the root with BLAKE3 is that of the documented tree with a third level', async () => {
  const digests = Array.from({ length: 251 }, (_, content) => digestOf(Buffer.of(content), 'blake3'));
  const leaves = Array.from({ length: 1024 * 1024 + 1 }, (_, index) => digests[(index * index) % 251]!);
  const table = DigestTable.unknown(leaves.length * DIGEST_BLOCK_BYTES, 'blake3');
  for (const [index, leaf] of leaves.entries()) table.set(index, leaf);
  expect(await table.rootDigest()).toBe(expectedRoot(leaves, table.diskBytes, 'blake3'));
});

it('the root with SHA-256 is the one from before there was a choice', async () => {
  const table = DigestTable.unknown(2 * DIGEST_BLOCK_BYTES + 512, 'sha256');
  for (const index of [0, 1, 2]) table.set(index, createHash('sha256').update(Buffer.of(index)).digest());
  expect(await table.rootDigest()).toBe('87a3d7e4bd46544c9b2ca7fa9d87dfd403b4fc2167d84bde2b2fa6572e05062e');
});
