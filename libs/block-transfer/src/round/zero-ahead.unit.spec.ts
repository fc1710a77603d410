import { describe, expect, it } from 'vitest';
import { ZeroAhead } from './zero-ahead.js';

const range = (offsetBytes: number, lengthBytes = 10) => ({ offsetBytes, lengthBytes });
/** Everything that can happen by itself has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ZeroAhead', () => {
  it('gives ranges in order, as far as they begin before a place', () => {
    const ahead = new ZeroAhead([range(0), range(20), range(40)]);
    expect([ahead.takeBefore(0), ahead.takeBefore(20), ahead.takeBefore(20)]).toEqual([null, range(0), null]);
    expect([ahead.takeBefore(1000), ahead.takeBefore(1000)]).toEqual([range(20), range(40)]);
    expect([ahead.takeBefore(1000), new ZeroAhead([]).takeBefore(1000)]).toEqual([null, null]);
  });

  it('waits for what overlaps a range alone, and for nothing when nothing is under way', async () => {
    const ahead = new ZeroAhead([]);
    await ahead.ended(range(0, 1000));
    const [first, second] = [ahead.begun(range(0)), ahead.begun(range(20))];
    const over: string[] = [];
    const watch = (name: string, of: { offsetBytes: number; lengthBytes: number }): void =>
      void ahead.ended(of).then(() => over.push(name));
    watch('between', range(10));
    watch('first', range(9, 1));
    watch('second', range(29, 100));
    watch('both', range(0, 100));
    await quiet();
    expect(over).toEqual(['between']);
    second();
    await quiet();
    expect(over).toEqual(['between', 'second']);
    first();
    await quiet();
    expect(over).toEqual(['between', 'second', 'first', 'both']);
  });
});
