import { expect, it } from 'vitest';
import { exampleEvent } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderEvent } from './render-events.js';

it('shows an event as a line: when, where, what, who', () => {
  expect(renderEvent(exampleEvent(), plainPaint)).toBe(
    `2026-03-01 12:00:10.123  replication@3       transfer.sync-round-completed.v1${' '.repeat(22)}  service:transfer`,
  );
});
