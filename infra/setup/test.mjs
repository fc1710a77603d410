/**
 * All tests, level by level, up to the first level that fails. Runs on Node 24.
 * Its last line tells how many tests passed and failed over all levels that ran.
 */
import { closingLine, countsOf, readReport, root, vitestArguments } from './levels.mjs';
import { runInForeground } from './quiet-command.mjs';

/** `check` runs the level `unit`, beside what is no test. */
const LEVELS = [
  { name: 'check', report: 'unit', args: () => ['infra/setup/check.mjs'] },
  ...['simulation', 'integration', 'e2e', 'fault'].map((name) => ({
    name,
    report: name,
    args: () => vitestArguments(name),
  })),
];

const counts = [];
for (const level of LEVELS) {
  const started = Date.now();
  console.log(`test: ${level.name}`);
  const code = await runInForeground(process.execPath, level.args(), { cwd: root, env: process.env });
  const count = countsOf(code, readReport(level.report));
  counts.push(count);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`test: ${level.name} ${code === 0 ? 'passed' : 'FAILED'} (${count.passed} tests, ${seconds} s)`);
  if (code !== 0) {
    process.exitCode = code;
    break;
  }
}
console.log(closingLine(counts));
