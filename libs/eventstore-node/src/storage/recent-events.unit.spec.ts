import { describe, expect, it } from 'vitest';
import { RecentEvents } from './recent-events.js';

const at = (revision: number) => ({ stream: 'orders-1', revision });

describe('the ids written lately', () => {
  it('are found with where they were written', () => {
    const recent = new RecentEvents(3);
    recent.add('a', at(0));
    expect(recent.find('a')).toEqual(at(0));
    expect(recent.find('b')).toBeUndefined();
  });

  it('are as many as the limit, the newest ones, however many came', () => {
    const recent = new RecentEvents(3);
    for (let revision = 0; revision < 10; revision += 1) recent.add(`id-${revision}`, at(revision));
    const kept = Array.from({ length: 10 }, (_, revision) => recent.find(`id-${revision}`)?.revision);
    expect(kept).toEqual([...Array<undefined>(7), 7, 8, 9]);
  });

  it('take one place each, also when one is written again', () => {
    const recent = new RecentEvents(2);
    recent.add('a', at(0));
    recent.add('a', at(5));
    recent.add('b', at(1));
    expect([recent.find('a'), recent.find('b')]).toEqual([at(5), at(1)]);
    recent.add('c', at(2));
    expect([recent.find('a'), recent.find('b'), recent.find('c')]).toEqual([undefined, at(1), at(2)]);
  });

  it('are forgotten together', () => {
    const recent = new RecentEvents(2);
    recent.add('a', at(0));
    recent.clear();
    recent.add('b', at(1));
    recent.add('c', at(2));
    expect([recent.find('a'), recent.find('b'), recent.find('c')]).toEqual([undefined, at(1), at(2)]);
  });
});
