import { build, type Plugin } from 'esbuild';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from './tool.js';
import type { Variant } from './variants.js';

/**
 * Takes the digests out of a bundle, to tell what they cost: every block gets the same one. Only this benchmark makes
 * such a bundle, so there is no setting by which a program of the product could be talked into it.
 */
const withoutDigests: Plugin = {
  name: 'without-digests',
  setup(builder) {
    builder.onResolve({ filter: /^node:crypto$/ }, ({ importer }) =>
      /\/block-transfer\/src\/digests\/[^/]*$/.test(importer)
        ? { path: 'no-digests', namespace: 'landfall-bench' }
        : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'landfall-bench' }, () => ({
      contents:
        'const same = Buffer.alloc(32, 1); export const hash = () => same; export const createHash = undefined;',
    }));
  },
};

/** CommonJS packages ask for Node's own modules by `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);";

/** Bundles the measured program as the agent is bundled, native add-on included, and gives the file's path. */
export async function bundleSender(folder: string, root: string, digest: Variant['digest']): Promise<string> {
  await placeAddOn(folder, root);
  const plugins = digest === 'none' ? [withoutDigests] : [];
  return bundleProgram(root, 'test/bench/transfer/sender.program.ts', join(folder, `sender-${digest}.mjs`), plugins);
}

/** The same for a whole machine's round. */
export async function bundleMachine(folder: string, root: string): Promise<string> {
  await placeAddOn(folder, root);
  return bundleProgram(root, 'test/bench/transfer/machine.program.ts', join(folder, 'machine.mjs'));
}

/** And for the network in between. */
export async function bundleWan(folder: string, root: string): Promise<string> {
  return bundleProgram(root, 'test/bench/transfer/wan.program.ts', join(folder, 'wan.mjs'));
}

/** The bundles of the product have it beside them; once for each folder. */
async function placeAddOn(folder: string, root: string): Promise<void> {
  if ((await readdir(folder)).some((name) => name.endsWith('.node'))) return;
  await tool(process.execPath, join(root, 'infra/bundles/build-bundles.mjs'), folder);
}

/**
 * Bundles a program of the tests to one file, like those of the product.
 * @param program path in the project
 */
export async function bundleProgram(
  root: string,
  program: string,
  outfile: string,
  plugins: Plugin[] = [],
): Promise<string> {
  await build({
    entryPoints: [join(root, program)],
    outfile,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['landfall-source'],
    // Native add-ons that `ws` does without where nobody installed them.
    external: ['bufferutil', 'utf-8-validate'],
    alias: { '@napi-rs/blake-hash': join(root, 'infra/bundles/native-blake3.mjs') },
    banner: { js: REQUIRE },
    logLevel: 'warning',
    plugins,
  });
  return outfile;
}
