import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { SOFTWARE } from './software.js';

it('names the version of the project', async () => {
  const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  expect(SOFTWARE).toBe(`landfall-agent ${/"version": "([^"]+)"/.exec(manifest)?.[1]}`);
});
