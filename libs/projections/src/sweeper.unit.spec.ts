import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Sweep, Sweeper } from './sweeper.js';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** A sweep over names that are due until they are handled, and a diary of what happens. */
const scene = (options: Partial<Sweep<string>> = {}) => {
  const due = new Set<string>();
  const diary: string[] = [];
  const warnings: string[] = [];
  const troubled = new Map<string, Error>();
  const fail = (what: string): void => {
    const trouble = troubled.get(what);
    if (trouble !== undefined) throw trouble;
  };
  const sweeper = new Sweeper<string>(
    {
      name: 'the test',
      everyMs: 10,
      due: async (now) => {
        diary.push(`sweep ${now.getTime()}`);
        fail('due');
        return [...due];
      },
      handle: async (item) => {
        fail(item);
        due.delete(item);
        diary.push(item);
      },
      describe: (item) => `item ${item}`,
      ...options,
    },
    { warn: (message) => warnings.push(message) },
  );
  return { sweeper, due, diary, warnings, troubled };
};

describe('a sweeper', () => {
  it('handles what is due in order, at each sweep what is due then', async () => {
    const { sweeper, due, diary } = scene();
    due.add('a').add('b');
    await sweeper.sweep(new Date(1));
    due.add('c');
    await sweeper.sweep(new Date(2));
    expect(diary).toEqual(['sweep 1', 'a', 'b', 'sweep 2', 'c']);
  });

  it('handles each apart from the failures of others, and says a failure once until it is another', async () => {
    const { sweeper, due, diary, warnings, troubled } = scene();
    due.add('a').add('b');
    troubled.set('a', new Error('the store is away'));
    await sweeper.sweep(new Date(1));
    await sweeper.sweep(new Date(2));
    expect(diary).toEqual(['sweep 1', 'b', 'sweep 2']);
    troubled.set('a', new Error('the disk is full'));
    await sweeper.sweep(new Date(3));
    expect(warnings).toEqual([
      'the test: item a is tried again: Error: the store is away',
      'the test: item a is tried again: Error: the disk is full',
    ]);
    troubled.clear();
    await sweeper.sweep(new Date(4));
    expect(diary.slice(-2)).toEqual(['sweep 4', 'a']);
  });

  it('says so when it cannot be found out what is due', async () => {
    const { sweeper, troubled } = scene();
    troubled.set('due', new Error('no database'));
    await expect(sweeper.sweep(new Date(1))).rejects.toThrow('no database');
  });

  it('sweeps at once and then at its interval, until it is stopped', async () => {
    const { sweeper, diary } = scene();
    sweeper.start();
    await vi.advanceTimersByTimeAsync(25);
    await sweeper.stop();
    await vi.advanceTimersByTimeAsync(100);
    expect(diary).toEqual(['sweep 0', 'sweep 10', 'sweep 20']);
  });

  it('lets things settle before the first sweep, and after one that could not find out what is due', async () => {
    const { sweeper, diary, troubled, warnings } = scene({ settleMs: 100 });
    sweeper.start();
    await vi.advanceTimersByTimeAsync(99);
    expect(diary).toEqual([]);
    await vi.advanceTimersByTimeAsync(11);
    expect(diary).toEqual(['sweep 100', 'sweep 110']);
    troubled.set('due', new Error('no database'));
    await vi.advanceTimersByTimeAsync(200);
    expect(diary.slice(2)).toEqual(['sweep 120', 'sweep 220']);
    troubled.clear();
    await vi.advanceTimersByTimeAsync(25);
    await sweeper.stop();
    expect(diary.slice(4)).toEqual(['sweep 320', 'sweep 330']);
    expect(warnings).toEqual(['the test could not sweep and tries again: Error: no database']);
  });

  it('is stopped while it lets things settle', async () => {
    const { sweeper, diary } = scene({ settleMs: 3_600_000 });
    sweeper.start();
    await sweeper.stop();
    expect(diary).toEqual([]);
  });

  it('finishes what it has in hand when it is stopped, and begins nothing more', async () => {
    const inHand = Promise.withResolvers<undefined>();
    const { sweeper, due, diary } = scene({
      handle: async (item) => {
        diary.push(`begin ${item}`);
        await inHand.promise;
        diary.push(`end ${item}`);
      },
    });
    due.add('a').add('b');
    sweeper.start();
    await vi.advanceTimersByTimeAsync(0);
    const stopped = sweeper.stop().then(() => diary.push('stopped'));
    await vi.advanceTimersByTimeAsync(0);
    inHand.resolve(undefined);
    await stopped;
    expect(diary).toEqual(['sweep 0', 'begin a', 'end a', 'stopped']);
  });
});
