/** Runs levels of the tests and adds up what they counted. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const VITEST = join(root, 'node_modules/vitest/vitest.mjs');

/** Where the counts of a level are written, as vitest's JSON report. */
export function reportFile(level) {
  return join(root, '.landfall/reports', `${level}.json`);
}

/**
 * Arguments for Node that run one level; an earlier report is removed, so that a run that breaks has none.
 * @param {string} level a project of vitest.config.ts
 */
export function vitestArguments(level) {
  const file = reportFile(level);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  return [VITEST, 'run', '--project', level, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
}

/**
 * @param {number} exitCode of the level's run
 * @param {{numPassedTests: number, numFailedTests: number, numPendingTests: number} | undefined} report
 * @returns {{passed: number, failed: number, skipped: number}} a run that failed without a failed test (a file that
 *   does not load, servers that do not start, no tests at all) counts as one failed test
 */
export function countsOf(exitCode, report) {
  const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests: skipped = 0 } = report ?? {};
  const failed = exitCode !== 0 && numFailedTests === 0 ? 1 : numFailedTests;
  return { passed, failed, skipped };
}

/** @returns the level's report, or undefined when its run wrote none */
export function readReport(level) {
  const file = reportFile(level);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** @param {readonly {passed: number, failed: number, skipped: number}[]} counts */
export function closingLine(counts) {
  const sum = (key) => counts.reduce((total, level) => total + level[key], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  return `${sum('passed')} passed, ${sum('failed')} failed${skipped}`;
}
