import { expect, it } from 'vitest';
import { Cleanup } from './cleanup.js';

it('undoes everything, last first, whatever fails, and only once', async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.add('first', async () => void done.push('first'));
  cleanup.add('second', async () => {
    throw new Error('busy');
  });
  cleanup.add('third', async () => void done.push('third'));
  expect(await cleanup.run()).toEqual(['second: busy']);
  expect(done).toEqual(['third', 'first']);
  expect(await cleanup.run()).toEqual([]);
});
