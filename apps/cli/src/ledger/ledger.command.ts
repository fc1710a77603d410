import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import { renderLedger } from './render-ledger.js';

export function addLedgerCommand(program: Command, context: CommandContext): void {
  program
    .command('ledger')
    .description('list what was created for a migration task, and what has become of it')
    .argument('<task>', 'a migration task')
    .action(async (taskId: string) => {
      const entries = await (await context.gateway()).ledger(taskId);
      print(context, { entries }, (paint) => renderLedger(entries, paint));
    });
}
