import { build } from 'esbuild';
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { placeAddOns } from './native-add-ons.mjs';

/**
 * Bundles the programs of the two ends to one file each, which plain `node` runs without any `node_modules`, and puts
 * the native add-on of this machine's platform beside them:
 *
 *     node infra/bundles/build-bundles.mjs [folder] [--all-platforms]        (default: dist/bundles)
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const isForAllPlatforms = process.argv.includes('--all-platforms');
const folder = process.argv.slice(2).find((given) => !given.startsWith('--')) ?? `${root}dist/bundles`;

/** CommonJS packages ask for Node's own modules by `require`, which an ES module does not have. */
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as createBundleRequire } from 'node:module';",
  'const require = createBundleRequire(import.meta.url);',
].join('\n');

for (const end of ['agent', 'restorer']) {
  const outfile = `${folder}/landfall-${end}.mjs`;
  await build({
    entryPoints: [`${root}apps/${end}/src/main.ts`],
    outfile,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['landfall-source'],
    // Native add-ons that `ws` uses where someone installed them, and does without otherwise.
    external: ['bufferutil', 'utf-8-validate'],
    alias: { '@napi-rs/blake-hash': `${root}infra/bundles/native-blake3.mjs` },
    banner: { js: banner },
    legalComments: 'eof',
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
}

const placed = await placeAddOns(root, folder, isForAllPlatforms);
if (isForAllPlatforms) console.log(`BLAKE3 add-ons beside the bundles: ${placed.join(', ')}`);
