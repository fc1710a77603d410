import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from './bounded-map.js';

describe('a bounded map', () => {
  it('keeps what is used, however much else comes', () => {
    const map = new BoundedMap<string, number>(8);
    map.set('used', 1);
    for (let count = 0; count < 100; count += 1) {
      map.set(`other-${count}`, count);
      expect(map.get('used')).toBe(1);
    }
    expect(map.get('other-0')).toBeUndefined();
    expect(map.get('other-99')).toBe(99);
  });

  it('never keeps more than its limit, always the half that was set last, and no value but the newest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(fc.nat(30), { maxLength: 200 }), (limit, keys) => {
        const map = new BoundedMap<number, number>(limit);
        keys.forEach((key, index) => map.set(key, index));
        const last = [...new Set(keys.toReversed())];
        // Looking moves entries, so each is looked up in a map that was filled for it alone.
        const fresh = (key: number) => {
          const copy = new BoundedMap<number, number>(limit);
          keys.forEach((each, index) => copy.set(each, index));
          return copy.get(key);
        };
        const kept = last.filter((key) => fresh(key) !== undefined);
        expect(kept.length).toBeLessThanOrEqual(limit);
        for (const key of last.slice(0, Math.floor(limit / 2))) expect(fresh(key)).toBe(keys.lastIndexOf(key));
      }),
    );
  });

  it('forgets what is deleted, in either generation', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.delete('a');
    map.delete('b');
    expect([map.get('a'), map.get('b')]).toEqual([undefined, undefined]);
  });
});
