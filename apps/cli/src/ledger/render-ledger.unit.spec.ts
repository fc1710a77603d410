import { expect, it } from 'vitest';
import { exampleLedger } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderLedger } from './render-ledger.js';

it('lists what was created for a task, and counts what is left', () => {
  const expected = { kind: 'nbd-export', reference: '192.0.2.21:10809', state: 'expected' } as const;
  const entries = [...exampleLedger(), { ...expected, since: '2026-03-01T12:00:00.000Z' }];
  expect(renderLedger(entries, plainPaint).split('\n')).toEqual([
    'WHAT         NAME              STATE          SINCE (UTC)',
    'target VM    vm-1042           being removed  2026-03-01 13:00:00',
    'target disk  sda               removed        2026-03-01 13:00:04',
    'NBD export   192.0.2.21:10809  asked for      2026-03-01 12:00:00',
    '',
    '2 of 3 left.',
  ]);
});

it('says that nothing is left, and that nothing was there', () => {
  const removed = exampleLedger().map((entry) => ({ ...entry, state: 'removed' as const }));
  expect(renderLedger(removed, plainPaint)).toMatch(/\n\nNothing of it is left\.$/);
  expect(renderLedger([], plainPaint)).toBe('Nothing was created for this task.');
});
