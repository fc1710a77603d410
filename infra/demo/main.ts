import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputTo } from '../../apps/cli/src/terminal/output.js';
import { showFailure } from '../../apps/cli/src/render-failure.js';
import { parseDemoOptions } from './demo-options.js';
import { CommandFailed } from './machine/run-command.js';
import { WaitedInVain } from './machine/wait-for.js';
import { ProgramFailed } from './programs/program.js';
import { runDemo } from './run-demo.js';
import { makeRunFolder } from './run-folder/run-folder.js';
import { Cleanup } from './steps/cleanup.js';
import type { DemoContext } from './steps/demo-context.js';
import { TaskHalted } from './steps/task-follower.js';
import { StepLog } from './terminal/step-log.js';

const EXIT_PROVEN = 0;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const options = parseDemoOptions(process.argv.slice(2));
process.exitCode = await main();

async function main(): Promise<number> {
  if (process.getuid?.() !== 0) {
    console.error("The demo needs root's rights for loop devices and mounts: run it as root, or with sudo.");
    return EXIT_FAILED;
  }
  const output = outputTo(process.stdout, process.env, options.plain);
  const log = new StepLog(output);
  const cleanup = new Cleanup();
  const end = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end.abort(new Interrupted()));
  // A terminal that was closed takes no more text; what is mounted must be cleaned up all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => end.abort(new Interrupted()));
  const startedAt = new Date().toISOString().replace(/[-:]|\..*/g, '');
  const runName = `demo-${startedAt}`;
  const dist = join(dirname(fileURLToPath(import.meta.url)), '../..');
  try {
    const folder = await makeRunFolder(join(dist, '../.landfall/demo'), startedAt);
    log.say(`Landfall demo: one machine, the whole way. Everything is in ${relative(process.cwd(), folder)}.`);
    const fail = (reason: Error) => end.abort(reason);
    const context: DemoContext = { options, runName, folder, dist, log, output, cleanup, signal: end.signal, fail };
    return (await runDemo(context)) ? EXIT_PROVEN : EXIT_FAILED;
  } catch (error) {
    return tell(end.signal.aborted ? end.signal.reason : error, log, output);
  } finally {
    for (const failure of await cleanup.run()) console.error(`clean-up: ${failure}`);
  }
}

/** @returns the exit code */
function tell(error: unknown, log: StepLog, output: ReturnType<typeof outputTo>): number {
  if (error instanceof Interrupted) {
    log.say('Interrupted: cleaning up.');
    return EXIT_INTERRUPTED;
  }
  const known = [CommandFailed, WaitedInVain, ProgramFailed, TaskHalted];
  const isKnown = error instanceof Error && known.some((kind) => error instanceof kind);
  console.error(isKnown ? error.message : showFailure(error, output.paint).text);
  return EXIT_FAILED;
}
