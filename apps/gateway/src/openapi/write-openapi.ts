import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiText } from './openapi-text.js';

/**
 * Writes the description of the interface to docs/openapi.json, or with --check only compares. Run from the project's folder.
 *   node dist/apps/gateway/src/openapi/write-openapi.js [--check]
 */
const path = join(process.cwd(), 'docs/openapi.json');
const text = await openApiText();

if (process.argv.includes('--check')) {
  const written = await readFile(path, 'utf8').catch(() => '');
  if (written !== text) {
    console.error('docs/openapi.json is not what the gateway serves: run npm run openapi');
    process.exitCode = 1;
  }
} else {
  await writeFile(path, text);
}
