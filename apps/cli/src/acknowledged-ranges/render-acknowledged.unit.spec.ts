import { expect, it } from 'vitest';
import { exampleAcknowledged } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderAcknowledged } from './render-acknowledged.js';

it('lists the ranges of each disk, exactly and in words', () => {
  const disks = [...exampleAcknowledged(2), { diskId: 'sdb', acknowledgedBytes: 0, ranges: [] }];
  expect(renderAcknowledged(disks, 20, plainPaint).split('\n')).toEqual([
    'disk sda: 4 MiB in 2 ranges',
    ' FROM BYTE    BYTES   SIZE',
    '         0  2097152  2 MiB',
    '1073741824  2097152  2 MiB',
    '',
    'disk sdb: 0 B in 0 ranges',
  ]);
});

it('says how many more there are', () => {
  const lines = renderAcknowledged(exampleAcknowledged(30), 20, plainPaint).split('\n');
  expect(lines).toHaveLength(23);
  expect(lines.at(-1)).toBe('and 10 more: --all shows them');
  expect(renderAcknowledged(exampleAcknowledged(1), 20, plainPaint)).toMatch(/^disk sda: 2 MiB in 1 range\n/);
  expect(renderAcknowledged([], 20, plainPaint)).toBe('Nothing is known to be acknowledged.');
});
