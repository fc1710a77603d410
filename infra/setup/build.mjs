/**
 * Compiles apps, libs, infra and test to dist/ and makes the bundles, when a source changed. Runs on Node 24.
 *   node infra/setup/build.mjs [--force]
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesUnder, fingerprint, isStamped, readFiles, stamp } from './fingerprint.mjs';
import { runInForeground, runQuietly } from './quiet-command.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const SOURCE_FOLDERS = ['apps', 'libs', 'infra', 'test'];
const SETTINGS = ['.swcrc', 'package-lock.json', 'infra/setup/build.mjs'];
const BUNDLER = 'infra/bundles/build-bundles.mjs';
const STAMP_FILE = join(root, 'dist/.sources');

/** Programs only: specs run from source. */
export function isProgramSource(path) {
  return /\.(ts|tsx)$/.test(path) && !/\.(spec|d)\.ts$/.test(path) && !path.startsWith('apps/console/');
}

/**
 * Compiled files whose source is gone: they would still be found by whoever imports them.
 * @param {readonly string[]} compiled paths relative to dist/
 * @param {readonly string[]} sources paths relative to the project
 * @returns {string[]} paths relative to dist/
 */
export function orphans(compiled, sources) {
  const known = new Set(sources.map((path) => path.replace(/\.tsx?$/, '')));
  return compiled.filter((path) => !known.has(path.replace(/\.js(\.map)?$/, '')));
}

async function build(isForced) {
  const sources = filesUnder(root, SOURCE_FOLDERS, isProgramSource);
  const settings = [...SETTINGS, ...filesUnder(root, ['infra/bundles'], (path) => path.endsWith('.mjs'))];
  const present = settings.filter((path) => existsSync(join(root, path)));
  const wanted = fingerprint(readFiles(root, [...sources, ...present]));
  if (!isForced && isStamped(STAMP_FILE, wanted)) return 0;

  console.log('setup: compiling');
  // Without its stamp, a build that was cut off is not taken for a finished one.
  rmSync(STAMP_FILE, { force: true });
  const compiled = filesUnder(join(root, 'dist'), SOURCE_FOLDERS, (path) => /\.js(\.map)?$/.test(path));
  for (const path of orphans(compiled, sources)) rmSync(join(root, 'dist', path), { force: true });

  const folders = SOURCE_FOLDERS.filter((folder) => sources.some((path) => path.startsWith(`${folder}/`)));
  const swc = [
    join(root, 'node_modules/@swc/cli/bin/swc.js'),
    ...folders,
    '-d',
    'dist',
    '--quiet',
    '--extensions',
    '.ts,.tsx',
  ];
  const ignored = ['**/*.spec.ts', '**/*.d.ts', 'apps/console/**'].flatMap((glob) => ['--ignore', glob]);
  const options = { cwd: root, env: process.env };
  const { code, output } = await runQuietly(process.execPath, [...swc, ...ignored], options);
  if (code !== 0) {
    console.error(output);
    return code;
  }
  if (existsSync(join(root, BUNDLER))) {
    const bundling = await runInForeground(process.execPath, [BUNDLER], options);
    if (bundling !== 0) return bundling;
  }
  stamp(STAMP_FILE, wanted);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await build(process.argv.includes('--force'));
}
