import { describe, expect, it } from 'vitest';
import { OutgoingQueue, type Frame, type Outlet } from './outgoing-queue.js';

/** A socket that is done with what it is given when the test says so. */
class HeldOutlet implements Outlet {
  destroyed = false;
  /** The first bytes of what was given, of each frame. */
  readonly taken: number[][] = [];
  readonly held: (() => void)[] = [];

  cork(): void {
    this.taken.push([]);
  }

  uncork(): void {
    expect(this.held).not.toHaveLength(0);
  }

  write([first = -1]: Uint8Array, done?: () => void): boolean {
    if (this.destroyed) throw new Error('written to after its end');
    this.taken.at(-1)?.push(first);
    if (done !== undefined) this.held.push(done);
    return false;
  }
}

const frame = (...firsts: [number, ...number[]]): Frame =>
  firsts.map((first) => Uint8Array.of(first)) as unknown as Frame;

describe('an outgoing queue', () => {
  it('gives the socket two frames at a time, in order', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    queue.push(frame(1, 11));
    queue.push(frame(2));
    queue.push(frame(3, 33));
    queue.push(frame(4));
    expect(outlet.taken).toEqual([[1, 11], [2]]);
    outlet.held.shift()?.();
    expect(outlet.taken).toEqual([[1, 11], [2], [3, 33]]);
    outlet.held.shift()?.();
    expect(outlet.taken).toEqual([[1, 11], [2], [3, 33], [4]]);
  });

  it('lets a frame go before all that have not left', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    for (const first of [1, 2, 3]) queue.push(frame(first));
    queue.pushFirst(frame(9));
    while (outlet.held.length > 0) outlet.held.shift()?.();
    expect(outlet.taken).toEqual([[1], [2], [9], [3]]);
  });

  it('forgets what has not left when it is told to', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    for (const first of [1, 2, 3]) queue.push(frame(first));
    queue.drop();
    while (outlet.held.length > 0) outlet.held.shift()?.();
    expect(outlet.taken).toEqual([[1], [2]]);
  });

  it('gives nothing more to a socket that is gone', () => {
    const outlet = new HeldOutlet();
    const queue = new OutgoingQueue(outlet);
    for (const first of [1, 2, 3]) queue.push(frame(first));
    outlet.destroyed = true;
    for (const done of outlet.held) done();
    expect(outlet.taken).toEqual([[1], [2]]);
  });
});
