import { expect, it } from 'vitest';
import { MemoryBudget } from './memory-budget.js';

const holder = (name: string, evicted: string[]) => ({ evict: () => void evicted.push(name) });

it('ends who has not moved for longest, and only when there is no room', () => {
  const evicted: string[] = [];
  const budget = new MemoryBudget(100);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => holder(name, evicted));
  budget.hold(a!, 40);
  budget.hold(b!, 40);
  expect(evicted).toEqual([]);
  budget.hold(a!, 10);
  budget.hold(c!, 40);
  expect(evicted).toEqual(['b']);
  budget.release(a!, 50);
  budget.hold(c!, 50);
  expect(evicted).toEqual(['b']);
});
