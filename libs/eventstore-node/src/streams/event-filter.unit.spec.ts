import { describe, expect, it } from 'vitest';
import { BadFilterError, eventFilter, fromDotNet } from './event-filter.js';

const matches = (regex: string, text: string): boolean =>
  eventFilter({ on: 'stream', regex, prefixes: [] })({ stream: text, type: '' });

describe('event filters', () => {
  it('look at the stream or at the type', () => {
    const record = { stream: 'order-1', type: 'Placed' };
    expect(eventFilter({ on: 'stream', regex: '', prefixes: ['x', 'order-'] })(record)).toBe(true);
    expect(eventFilter({ on: 'type', regex: '', prefixes: ['order-'] })(record)).toBe(false);
    expect(eventFilter({ on: 'type', regex: '^Pl', prefixes: [] })(record)).toBe(true);
  });

  it.each([
    ['^[^$].*', 'order-1', true],
    ['^[^$].*', '$system', false],
    ['(?i)^ORDER-', 'order-1', true],
    ['\\Aorder-\\d+\\z', 'order-12', true],
    ['\\Aorder-\\d+\\z', 'order-12\n', false],
    ['\\Aorder-\\d+\\Z', 'order-12\n', true],
    ["(?'kind'order)-\\k<kind>", 'order-order', true],
    ['a\\\\Z', 'a\\Z', true],
  ])('read the .NET pattern %s on %j as %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('refuse what is no pattern', () => {
    expect(() => eventFilter({ on: 'stream', regex: '(', prefixes: [] })).toThrow(BadFilterError);
    expect(() => fromDotNet('(?x) a b')).toThrow(RangeError);
  });

  it('answer soon even to a pattern made to take for ever', () => {
    const startedMs = performance.now();
    expect(matches('^(a+)+$', `${'a'.repeat(40)}!`)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
