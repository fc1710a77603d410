/**
 * Format, lint, types, boundaries and unit tests, two at a time. Runs on Node 24.
 *   node infra/setup/check.mjs [names of steps]
 * Shows the output of a step only when it fails; exit code 0 when all are clean.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, vitestArguments } from './levels.mjs';
import { runQuietly } from './quiet-command.mjs';

/** More at a time than there are cores makes each slower and none earlier. */
const MAX_STEPS_AT_ONCE = 2;

const modules = join(root, 'node_modules');
const cache = join(modules, '.cache');
const codeFolders = ['apps', 'libs', 'infra', 'test'].filter((folder) => existsSync(join(root, folder)));

/** Longest first, so that none is left over at the end alone. */
const STEPS = [
  {
    name: 'lint',
    args: () => [
      join(modules, 'eslint/bin/eslint.js'),
      ...['.', '--max-warnings=0', '--cache', '--cache-strategy=content', `--cache-location=${cache}/eslint/`],
    ],
  },
  { name: 'unit', args: () => vitestArguments('unit') },
  { name: 'types', args: () => [join(modules, 'typescript/bin/tsc'), '-p', '.', '--pretty', 'false'] },
  {
    name: 'boundaries',
    args: () => [
      join(modules, 'dependency-cruiser/bin/dependency-cruise.mjs'),
      ...[...codeFolders, '--config', '.dependency-cruiser.js'],
    ],
  },
  {
    name: 'format',
    args: () => [
      join(modules, 'prettier/bin/prettier.cjs'),
      ...['--check', '--log-level=warn', '--cache', '--cache-strategy=content'],
      ...[`--cache-location=${cache}/prettier/cache`, '.'],
    ],
  },
];

async function runStep(step) {
  const started = Date.now();
  const { code, output } = await runQuietly(process.execPath, step.args(), { cwd: root, env: process.env });
  const duration = `${((Date.now() - started) / 1000).toFixed(1)} s`;
  if (code !== 0) console.log(output.trimEnd());
  console.log(`check: ${step.name} ${code === 0 ? 'clean' : 'FAILED'} (${duration})`);
  return code === 0;
}

async function check(names) {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`check: unknown: ${unknown.join(' ')}; known: ${STEPS.map((step) => step.name).join(' ')}`);
    return 2;
  }
  const queue = STEPS.filter((step) => names.length === 0 || names.includes(step.name));
  let areAllClean = true;
  const work = async () => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      areAllClean = (await runStep(step)) && areAllClean;
    }
  };
  await Promise.all(Array.from({ length: MAX_STEPS_AT_ONCE }, work));
  return areAllClean ? 0 : 1;
}

process.exitCode = await check(process.argv.slice(2));
