import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdOf, reactionIdOf, uuidV5 } from './ids.js';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

describe('a name-based UUID', () => {
  it('is that of the example in RFC 9562, appendix A.4', () => {
    expect(uuidV5(DNS, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  it('does not depend on the case of the namespace', () => {
    expect(uuidV5(DNS.toUpperCase(), 'x')).toBe(uuidV5(DNS, 'x'));
  });

  it('is always a UUID of version 5, and another one for another name', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string(), fc.string(), (namespace, left, right) => {
        expect(uuidV5(namespace, left)).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(uuidV5(namespace, left) === uuidV5(namespace, right)).toBe(left.toWellFormed() === right.toWellFormed());
      }),
    );
  });

  it.each(['', 'not a uuid', `${DNS}0`, DNS.replace('6', 'g')])('takes no other namespace: %j', (namespace) => {
    expect(() => uuidV5(namespace, 'x')).toThrow(RangeError);
  });

  it('tells events of one command, and commands of one event, apart', () => {
    const ids = [eventIdOf(DNS, 0), eventIdOf(DNS, 1), reactionIdOf(DNS, '0'), reactionIdOf(DNS, 'event:0')];
    expect(new Set(ids).size).toBe(4);
    expect(eventIdOf(DNS, 0)).toBe(eventIdOf(DNS, 0));
  });
});
