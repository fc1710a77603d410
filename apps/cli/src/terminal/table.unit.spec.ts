import { describe, expect, it } from 'vitest';
import { colouredPaint, plainPaint } from './paint.js';
import { renderPairs, renderTable, shownWidth, withoutControlCharacters } from './table.js';

type Row = { readonly name: string; readonly size: string };

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: ({ name }: Row) => name },
    { title: 'SIZE', align: 'right' as const, cell: ({ size }: Row) => size },
    { title: 'NOTE', cell: () => '' },
  ];

  it('is aligned, and has no blanks at the ends of lines', () => {
    const rows = [
      { name: 'a', size: '1 B' },
      { name: 'longer', size: '500 MiB' },
    ];
    expect(renderTable(columns, rows, plainPaint)).toBe(
      ['NAME       SIZE  NOTE', 'a           1 B', 'longer  500 MiB'].join('\n'),
    );
  });

  it('counts wide characters twice and colours not at all', () => {
    const rows = [
      { name: '数据', size: '1 B' },
      { name: colouredPaint('good', 'abcd'), size: '2 B' },
    ];
    expect(renderTable(columns, rows, plainPaint)).toBe(
      ['NAME  SIZE  NOTE', '数据   1 B', '\u001b[32mabcd\u001b[39m   2 B'].join('\n'),
    );
    expect(shownWidth('é数')).toBe(3);
  });
});

describe('pairs', () => {
  it('stand below each other', () => {
    const pairs = [
      ['Task', 'x'],
      ['Status', 'running'],
      ['', 'more'],
    ] as const;
    expect(renderPairs(pairs, plainPaint)).toBe('Task    x\nStatus  running\n        more');
  });
});

describe('foreign text', () => {
  it('cannot move the cursor or colour anything', () => {
    expect(withoutControlCharacters('a\u001b[2Jb\rc\nd\u0007e\u001bf')).toBe('ab?c?d?e');
    expect(withoutControlCharacters('plain übersicht 数据')).toBe('plain übersicht 数据');
  });
});
