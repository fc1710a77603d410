#!/usr/bin/env node
import { outputTo } from './terminal/output.js';
import { runProgram } from './run-program.js';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
// Whoever reads may have read enough, as `head` does.
process.stdout.on('error', () => process.exit());

process.exitCode = await runProgram(process.argv.slice(2), {
  output: outputTo(process.stdout, process.env),
  errors: outputTo(process.stderr, process.env),
  environment: process.env,
  folder: process.cwd(),
  signal: interrupted.signal,
});
