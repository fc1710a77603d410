import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES, digestOf } from './block-digest.js';
import { DigestTable } from './digest-table.js';
import { GROUP_BLOCKS, groupDigestsBytes, groupDigestsOf } from './group-digests.js';

const BLOCKS = 2 * GROUP_BLOCKS + 3;

describe.each(['blake3', 'sha256'] as const)('groupDigestsOf a table of %s', (algorithm) => {
  const tableOf = (changed: readonly number[] = []): DigestTable => {
    const table = DigestTable.unknown(BLOCKS * DIGEST_BLOCK_BYTES, algorithm);
    for (let index = 0; index < BLOCKS; index += 1) {
      table.set(index, digestOf(Buffer.from(`${index}${changed.includes(index) ? ' changed' : ''}`), algorithm));
    }
    return table;
  };
  const groupsOf = async (table: DigestTable): Promise<string[]> => {
    const digests = Buffer.from(await groupDigestsOf(table));
    expect(digests).toHaveLength(groupDigestsBytes(BLOCKS));
    return [0, 1, 2].map((group) => digests.toString('hex', group * DIGEST_BYTES, (group + 1) * DIGEST_BYTES));
  };

  it('has one for each group, the last and smaller one too, that changes with any of its blocks alone', async () => {
    const before = await groupsOf(tableOf());
    expect(new Set(before).size).toBe(3);
    for (const [block, group] of [
      [0, 0],
      [GROUP_BLOCKS - 1, 0],
      [GROUP_BLOCKS, 1],
      [BLOCKS - 1, 2],
    ] as const) {
      const after = await groupsOf(tableOf([block]));
      expect(
        after.map((digest, index) => (digest === before[index] ? null : index)).filter((index) => index !== null),
      ).toEqual([group]);
    }
  });

  it('differs in the group of an entry that is not known', async () => {
    const before = await groupsOf(tableOf());
    const table = tableOf();
    table.forget(GROUP_BLOCKS + 7);
    const after = await groupsOf(table);
    expect([after[0] === before[0], after[1] === before[1], after[2] === before[2]]).toEqual([true, false, true]);
  });
});
