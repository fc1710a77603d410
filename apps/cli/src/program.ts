import { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { addCutoverCommands } from './cutover/cutover.command.js';
import { addEnrolTokenCommand } from './enrolment/enrol-token.command.js';
import { addAcknowledgedCommand } from './acknowledged-ranges/acknowledged.command.js';
import { addSitesCommand } from './hci-sites/sites.command.js';
import { addPauseAndCancelCommands } from './interruptions/pause-and-cancel.command.js';
import { addLedgerCommand } from './ledger/ledger.command.js';
import { addTasksCommands } from './migration-tasks/tasks.command.js';
import { addWatchCommand } from './progress/watch.command.js';
import { addScheduleCommand } from './schedules/schedule.command.js';
import { addSourceMachinesCommand } from './source-machines/source-machines.command.js';
import { addSyncCommand } from './sync-rounds/sync.command.js';
import { addEventsCommand } from './task-events/events.command.js';
import { addThrottleCommand } from './throttle/throttle.command.js';

export type GlobalOptions = { readonly url?: string; readonly keyFile?: string; readonly json?: boolean };

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 defect, 2 wrong command line, 3 refused, 4 server unavailable, 5 not authenticated,
            6 the watched task halted, 7 the watched task was cancelled, 130 interrupted`;

/** The program with all its commands; parsing throws CommanderError instead of ending the process. */
export function landfallProgram(context: CommandContext): Command {
  const program = new Command('landfall')
    .description('Migrates whole machines onto a hyper-converged platform')
    .option('--url <url>', 'the gateway (LANDFALL_URL; default: the standalone program started here)')
    .option('--key-file <file>', 'file with the API key (LANDFALL_KEY_FILE)')
    .option('--json', 'documents as JSON on standard output, problems as JSON on standard error')
    .addHelpText('after', EXIT_CODES_HELP)
    .showHelpAfterError('(landfall --help, or landfall <command> --help, tells more)');
  addSourceMachinesCommand(program, context);
  addSitesCommand(program, context);
  addTasksCommands(program, context);
  addEventsCommand(program, context);
  addWatchCommand(program, context);
  addSyncCommand(program, context);
  addScheduleCommand(program, context);
  addThrottleCommand(program, context);
  addPauseAndCancelCommands(program, context);
  addCutoverCommands(program, context);
  addAcknowledgedCommand(program, context);
  addLedgerCommand(program, context);
  addEnrolTokenCommand(program, context);
  forEachCommand(program, (command) => command.exitOverride());
  return program;
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
