import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MATRIX = join(import.meta.dirname, '../../../docs/failure-matrix.md');
const FIRST_ROWS = 2;

interface Proof {
  readonly file: string;
  readonly title: string;
}

/** The last cell of a row: links to tests, each followed by words of the test's title in quotes. */
const proofsIn = (row: string): Proof[] => {
  const cell = row.split('|').at(-2) ?? '';
  return [...cell.matchAll(/\]\(([^)]+)\) "([^"]+)"/g)].map(([, file = '', title = '']) => ({ file, title }));
};

const rows = readFileSync(MATRIX, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(FIRST_ROWS);

describe('the failure matrix', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(15);
  });

  it.each(rows.map((row) => [row.split('|')[1]?.trim(), row]))('%s: is linked to tests that exist', (_what, row) => {
    const proofs = proofsIn(row);
    expect(proofs).not.toEqual([]);
    for (const { file, title } of proofs) {
      const path = join(dirname(MATRIX), file);
      expect(existsSync(path), path).toBe(true);
      expect(readFileSync(path, 'utf8'), `${file} has a test "${title}"`).toContain(title);
    }
  });
});
