/**
 * How fast the data plane is, beside the programs that others copy disks with.
 *
 *   npm run bench:transfer -- [--size-mib 4096] [--turns 5] [--cases ABCDEF] [--folder /dev/shm] [--page docs/benchmarks.md]
 *
 * Needs root, for loop devices and a network namespace. Writes the page and .landfall/reports/bench-transfer.json.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import {
  cappedCase,
  fullCopyCase,
  halfUsedCase,
  incrementCase,
  manyDisksCase,
  wideAreaCase,
  type CaseResult,
} from './cases.js';
import { goalsOf } from './goals.js';
import { machineFacts } from './machine-facts.js';
import { benchmarkPage, type BenchmarkRun } from './report.js';
import { Scene } from './scene.js';
import { MIB } from './source-disks.js';
import { tool } from './tool.js';

/** Large enough that the start of a program does not hide how fast it copies, small enough for both ends in memory. */
const DEFAULT_SIZE_MIB = 4096;
const MIN_SIZE_MIB = 64;
const DEFAULT_TURNS = 5;
/** Source, target, the many small targets, and some air. */
const SPACE_IN_DISKS = 3.5;
const SHARED_MEMORY = '/dev/shm';
/** Says that the process is in its own network namespace already. */
const INSIDE = 'LANDFALL_BENCH_NAMESPACE';

type Case = (scene: Scene, turns: number) => Promise<CaseResult>;
const CASES: Readonly<Record<string, Case>> = {
  A: fullCopyCase,
  B: halfUsedCase,
  C: incrementCase,
  D: wideAreaCase,
  E: cappedCase,
  F: manyDisksCase,
};

interface Settings {
  readonly root: string;
  readonly sizeMib: number;
  readonly turns: number;
  readonly cases: readonly string[];
  readonly folder: string;
  readonly page: string;
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      'size-mib': { type: 'string', default: String(DEFAULT_SIZE_MIB) },
      turns: { type: 'string', default: String(DEFAULT_TURNS) },
      cases: { type: 'string', default: Object.keys(CASES).join('') },
      folder: { type: 'string' },
      page: { type: 'string', default: 'docs/benchmarks.md' },
    },
  });
  const sizeMib = natural('--size-mib', values['size-mib'], MIN_SIZE_MIB);
  const cases = Array.from(values.cases);
  const unknown = cases.find((id) => !Object.hasOwn(CASES, id));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}: ${Object.keys(CASES).join(', ')}`);
  // Compiled to dist/test/bench/transfer, so the project is four folders up.
  const root = fileURLToPath(new URL('../../../..', import.meta.url));
  const folder = values.folder ?? roomiestFolder(sizeMib);
  return { root, sizeMib, turns: natural('--turns', values.turns, 1), cases, folder, page: values.page };
}

function natural(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} must be a number from ${least} on: ${text}`);
  return value;
}

/** Memory, if there is enough: a disk's noise is greater than any difference that is looked for here. */
function roomiestFolder(sizeMib: number): string {
  const { bavail, bsize } = statfsSync(SHARED_MEMORY);
  return bavail * bsize > SPACE_IN_DISKS * sizeMib * MIB ? SHARED_MEMORY : tmpdir();
}

async function bench({ root, sizeMib, turns, cases, folder, page }: Settings): Promise<void> {
  await tool('ip', 'link', 'set', 'lo', 'up');
  const scratch = mkdtempSync(join(folder, 'landfall-bench-'));
  const skipped = new Set<string>();
  const tell = (line: string): void => {
    if (line.startsWith('skipped')) skipped.add(line);
    console.log(line);
  };
  try {
    const facts = await machineFacts(folder);
    const scene = await Scene.create(scratch, { root, sizeBytes: sizeMib * MIB, tell });
    const results: CaseResult[] = [];
    for (const id of cases) {
      console.log(`\ncase ${id}`);
      const result = await CASES[id]?.(scene, turns);
      if (result !== undefined) results.push(result);
    }
    const run = { facts, turns, sizeMib, cases: results, goals: goalsOf(results), skipped: [...skipped] };
    await write(run, root, page);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function write(run: BenchmarkRun, root: string, page: string): Promise<void> {
  const pagePath = resolve(root, page);
  const text = await format(benchmarkPage(run), { ...(await resolveConfig(pagePath)), parser: 'markdown' });
  writeFileSync(pagePath, text);
  const reports = join(root, '.landfall/reports');
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, 'bench-transfer.json'), `${JSON.stringify(run, null, 2)}\n`);
  console.log(`\n${text}`);
}

function insideNamespace(): number {
  if (process.getuid?.() !== 0)
    throw new Error('this benchmark needs root: it makes loop devices and a network of its own');
  const again = [process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', ['--net', ...again], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  return status ?? 1;
}

if (process.env[INSIDE] === undefined) process.exitCode = insideNamespace();
else await bench(settings());
