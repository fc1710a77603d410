import { describe, expect, it } from 'vitest';
import { OutgoingQueue, type Outlet } from './outgoing-queue.js';

/** A socket that takes what it is given when the test says so. */
class HeldOutlet implements Outlet {
  destroyed = false;
  readonly taken: number[] = [];
  readonly held: (() => void)[] = [];

  write([first = -1]: Uint8Array, done: () => void): boolean {
    if (this.destroyed) throw new Error('written to after its end');
    this.taken.push(first);
    this.held.push(done);
    return false;
  }
}

const part = (value: number): Uint8Array => Uint8Array.of(value);

describe('an outgoing queue', () => {
  it('gives the socket two parts at a time, in order, and is empty once it has the last', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    expect(queue.isEmpty).toBe(true);
    queue.push(part(1), part(2));
    expect(queue.isEmpty).toBe(true);
    queue.push(part(3), part(4));
    expect(outlet.taken).toEqual([1, 2]);
    expect(queue.isEmpty).toBe(false);
    outlet.held.shift()?.();
    expect(outlet.taken).toEqual([1, 2, 3]);
    expect(queue.isEmpty).toBe(false);
    outlet.held.shift()?.();
    expect(outlet.taken).toEqual([1, 2, 3, 4]);
    expect(queue.isEmpty).toBe(true);
  });

  it('gives nothing more to a socket that is gone', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    queue.push(part(1), part(2), part(3));
    outlet.destroyed = true;
    for (const done of outlet.held) done();
    expect(outlet.taken).toEqual([1, 2]);
  });
});
