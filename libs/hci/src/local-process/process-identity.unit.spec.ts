import { describe, expect, it } from 'vitest';
import { identityIn, identityOf, isRunning } from './process-identity.js';

const stat = (name: string, state: string, threads: number): string =>
  `7 (${name}) ${state} 1 7 7 0 -1 4194304 88 0 0 0 1 1 0 0 20 0 ${threads} 0 4711 2482176 200`;

describe('the identity of a process', () => {
  it.each(['node', 'a b', 'x) R 1', ')'])('is read past the name "%s"', (name) => {
    expect(identityIn(7, stat(name, 'S', 1))).toEqual({ pid: 7, startedAtTicks: '4711' });
  });

  it('is nothing for remains, and something while any thread lives', () => {
    expect(identityIn(7, stat('node', 'Z', 1))).toBeNull();
    expect(identityIn(7, stat('node', 'Z', 2))).toEqual({ pid: 7, startedAtTicks: '4711' });
  });

  it('tells this process from a later one with its number', async () => {
    const own = await identityOf(process.pid);
    expect(await isRunning(own!)).toBe(true);
    expect(await isRunning({ ...own!, startedAtTicks: '1' })).toBe(false);
    expect(await identityOf(2 ** 30)).toBeNull();
  });
});
