import { EndpointFailure } from '#libs/block-transfer';
import {
  CredentialFileError,
  EnrolmentRefusedError,
  keepHeapSmall,
  LinkRefusedError,
  lockStateFolder,
  openEndLog,
  ServerUrlError,
  type EndLog,
} from '#libs/endpoint-link';
import { Command } from 'commander';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRestorerConfig, RestorerConfigError } from './config/restorer-config.js';
import { runRestorer } from './restorer.js';
import { SOFTWARE } from './software.js';

const STATE_FOLDER_MODE = 0o700;

/** Exit codes by sysexits.h. */
const EXIT_FAILED = 1;
const EXIT_REFUSED = 77;
const EXIT_CONFIGURATION = 78;

async function run(options: { readonly config: string; readonly logFile?: true }): Promise<void> {
  const config = await readRestorerConfig(options.config);
  await mkdir(config.stateFolder, { recursive: true, mode: STATE_FOLDER_MODE });
  const log = openEndLog(options.logFile === true ? join(config.stateFolder, 'restorer.log') : null);
  const unlock = await lockStateFolder(config.stateFolder);
  try {
    log.info(`${SOFTWARE} begins as "${config.name}", process ${process.pid}.`);
    await runRestorer(config, log, untilSignal(log));
    log.info('The restorer has ended.');
  } catch (error) {
    log.error(messageOf(error));
    throw error;
  } finally {
    await unlock();
  }
}

/** A hang-up is not a reason to end: whoever started the restorer may go away while the migration goes on. */
function untilSignal(log: EndLog): AbortSignal {
  const abort = new AbortController();
  process.on('SIGHUP', () => {
    log.info('The terminal or the parent has gone; the restorer goes on.');
  });
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      log.info(`The restorer ends on ${name}.`);
      abort.abort();
    });
  }
  return abort.signal;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof LinkRefusedError || error instanceof EnrolmentRefusedError) return EXIT_REFUSED;
  const configuration = [RestorerConfigError, CredentialFileError, ServerUrlError, EndpointFailure];
  return configuration.some((kind) => error instanceof kind) ? EXIT_CONFIGURATION : EXIT_FAILED;
}

const program = new Command('landfall-restorer')
  .description('Serves the disks of a migration target and verifies them, at the direction of a Landfall server.')
  .version(SOFTWARE);
program
  .command('run')
  .description('work until stopped')
  .requiredOption('--config <file>', 'JSON configuration')
  .option('--log-file', 'write the log to restorer.log in the state folder instead of standard error')
  .action(run);

keepHeapSmall();
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`landfall-restorer: ${messageOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
