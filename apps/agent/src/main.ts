import { setFlagsFromString } from 'node:v8';
import { CredentialFileError, EnrolmentRefusedError, LinkRefusedError, ServerUrlError } from '#libs/endpoint-link';
import { Command, InvalidArgumentError } from 'commander';
import { enroll, EnrolmentStateError, inventory, run } from './commands.js';
import { InventoryError } from './inventory/inventory.errors.js';
import { HOLD_LIMIT_SECONDS } from './quiesce/hold-file-systems.js';
import { SOFTWARE } from './software.js';

const DEFAULT_STATE_FOLDER = '/var/lib/landfall-agent';
const MAX_HOLD_LIMIT_SECONDS = 3_600;

/** Exit codes by sysexits.h; a service manager need not restart after the last two. */
const EXIT_FAILED = 1;
const EXIT_REFUSED = 77;
const EXIT_CONFIGURATION = 78;

function holdLimit(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_HOLD_LIMIT_SECONDS) {
    throw new InvalidArgumentError(`Give whole seconds from 1 to ${MAX_HOLD_LIMIT_SECONDS}.`);
  }
  return seconds;
}

function program(): Command {
  const root = new Command('landfall-agent')
    .description('Sends the disks of this machine to a target, at the direction of a Landfall server.')
    .version(SOFTWARE);
  root
    .command('enroll')
    .description('exchange a one-time token for the credential of this machine')
    .requiredOption('--server <url>', 'address of the server')
    .requiredOption('--token <token>', 'one-time enrolment token')
    .option('--state <folder>', 'where the agent keeps its state', DEFAULT_STATE_FOLDER)
    .option('--name <name>', 'what people call the machine (default: its host name)')
    .option('--insecure-network', 'allow plain HTTP to another machine: credentials travel in the clear')
    .option('--force', 'enrol anew although a credential exists')
    .action(enroll);
  root
    .command('run')
    .description('connect to the server and work until stopped')
    .option('--state <folder>', 'where the agent keeps its state', DEFAULT_STATE_FOLDER)
    .option('--disk <device...>', 'offer these disks only (default: all eligible disks)')
    .option('--hold-limit <seconds>', 'how long the final round may freeze file systems', holdLimit, HOLD_LIMIT_SECONDS)
    .option('--log-file <file>', 'write the log to this file instead of standard error')
    .option(
      '--insecure-network',
      'allow cleartext to other machines: to the server (credentials!), and to targets of versions without TLS',
    )
    .action(run);
  root
    .command('inventory')
    .description('print the inventory of this machine as JSON')
    .option('--disk <device...>', 'these disks only (default: all eligible disks)')
    .action(inventory);
  return root;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof LinkRefusedError || error instanceof EnrolmentRefusedError) return EXIT_REFUSED;
  const configuration = [EnrolmentStateError, CredentialFileError, ServerUrlError];
  return configuration.some((kind) => error instanceof kind) ? EXIT_CONFIGURATION : EXIT_FAILED;
}

function messageOf(error: unknown): string {
  if (error instanceof InventoryError) return `${error.message} ${error.remedy}`;
  return error instanceof Error ? error.message : String(error);
}

// V8 would answer the short-lived lists of a fragmented disk with a nursery three times as large, and keep it.
setFlagsFromString('--semi-space-growth-factor=1');

try {
  await program().parseAsync();
} catch (error) {
  process.stderr.write(`landfall-agent: ${messageOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
