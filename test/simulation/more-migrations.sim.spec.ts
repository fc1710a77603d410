import { describe, expect, it } from 'vitest';
import { playSeeds } from './run/play-seeds.js';
import { simulate } from './run/simulate.js';

/** In a file of its own, so that it is played beside the others. */
describe('more migrations, whatever breaks', () => {
  it.each([61, 71, 81, 91, 101])('come to an end, and to the right one: seeds from %i on', async (firstSeed) => {
    await playSeeds(firstSeed, 10);
  });
});

describe('a seed', () => {
  it('always gives the same history, to the last event, whatever was played before', async () => {
    const histories = [];
    for (const seed of [5, 6, 5]) histories.push((await simulate(seed)).historyHash);
    expect(histories[2]).toBe(histories[0]);
    expect(histories[1]).not.toBe(histories[0]);
  });
});
