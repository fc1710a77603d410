import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';

export function addSyncCommand(program: Command, context: CommandContext): void {
  program
    .command('sync')
    .description('start a synchronization now')
    .argument('<task>', 'a migration task')
    .action(async (taskId: string) => {
      const answer = await (await context.gateway()).startSyncRound(taskId);
      print(context, answer, () =>
        answer.roundId === null
          ? `No round was started: ${answer.skipped ?? 'one is on its way'}.`
          : `Round ${answer.roundId} has started. Watch it with: landfall watch ${taskId}`,
      );
    });
}
