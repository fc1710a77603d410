import { expect, it } from 'vitest';
import { NewestPerTask } from './newest-per-task.js';

it('one value is kept for each task, the newest', () => {
  const newest = new NewestPerTask<number>();
  expect(newest.get('a')).toBeNull();
  newest.set('a', 1);
  newest.set('b', 2);
  newest.set('a', 3);
  expect([newest.get('a'), newest.get('b')]).toEqual([3, 2]);
});

it('when there are too many, the one that was not renewed for longest is forgotten', () => {
  const newest = new NewestPerTask<number>(2);
  newest.set('a', 1);
  newest.set('b', 1);
  newest.set('a', 2);
  newest.set('c', 1);
  expect(['a', 'b', 'c'].map((taskId) => newest.get(taskId))).toEqual([2, null, 1]);
});
