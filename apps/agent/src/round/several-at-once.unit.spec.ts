import { describe, expect, it } from 'vitest';
import { severalAtOnce } from './several-at-once.js';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('several at once', () => {
  it('works on all in order, never on more than it may', async () => {
    const begun: number[] = [];
    let atWork = 0;
    let most = 0;
    await severalAtOnce([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
      begun.push(item);
      atWork += 1;
      most = Math.max(most, atWork);
      for (let waits = item % 3; waits >= 0; waits -= 1) await turn();
      atWork -= 1;
    });
    expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect([most, atWork]).toEqual([3, 0]);
  });

  it('ends the others with the first failure, waits for them, and begins no further one', async () => {
    const diary: string[] = [];
    const work = async (item: string, signal: AbortSignal): Promise<void> => {
      diary.push(`begin ${item}`);
      await turn();
      if (item === 'bad') throw new Error('bad');
      await new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }).finally(async () => {
        await turn();
        diary.push(`end ${item}`);
      });
    };
    await expect(severalAtOnce(['long', 'bad', 'next'], 2, never, work)).rejects.toThrow('bad');
    expect(diary).toEqual(['begin long', 'begin bad', 'end long']);
  });

  it('begins nothing when it was ended before', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const begun: number[] = [];
    const all = severalAtOnce([1, 2], 2, stop.signal, async (item) => void begun.push(item));
    await expect(all).rejects.toThrow('enough');
    expect(begun).toEqual([]);
    await severalAtOnce([], 2, stop.signal, async () => undefined);
  });
});
