import { stripVTControlCharacters } from 'node:util';
import type { Paint } from './paint.js';

export type Column<Row> = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
};

const GAP = '  ';

/**
 * An aligned table: a line of titles, then a line per row, without blanks at the ends of lines.
 * Cells may be painted; control characters do not count, and those of foreign text are taken out by the callers.
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint): string {
  const titles = columns.map(({ title }) => title);
  const body = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map((_, at) => Math.max(...[titles, ...body].map((line) => shownWidth(line[at] ?? ''))));
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, at) => aligned(cell, widths[at] ?? 0, columns[at]?.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [paint('heading', lineOf(titles)), ...body.map(lineOf)].join('\n');
}

/** Names before values, one pair a line, the values below each other. */
export function renderPairs(pairs: readonly (readonly [name: string, value: string])[], paint: Paint): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${paint('quiet', name.padEnd(width))}${GAP}${value}`.trimEnd()).join('\n');
}

/** @returns how many columns of a terminal the text takes; wide scripts count twice */
export function shownWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += isWide(character) ? 2 : 1;
  return width;
}

/** Foreign text, such as a machine's name, must not move the cursor. */
export const withoutControlCharacters = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

function aligned(cell: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - shownWidth(cell)));
  return align === 'left' ? cell + blanks : blanks + cell;
}

const isWide = (character: string): boolean =>
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u{1f300}-\u{1faff}]/u.test(character);
