import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';

export function addSyncCommand(program: Command, context: CommandContext): void {
  program
    .command('sync')
    .description('start a synchronization now')
    .argument('<task>', 'a migration task')
    .option('--resend', 'send everything again, whatever the target is known to hold')
    .action(async (taskId: string, { resend }: { readonly resend?: boolean }) => {
      const gateway = await context.gateway();
      const answer = await gateway.startSyncRound(taskId, resend === true ? { resend } : undefined);
      print(context, answer, () =>
        answer.roundId === null
          ? `No round was started: ${answer.skipped ?? 'one is on its way'}.`
          : `Round ${answer.roundId} has started. Watch it with: landfall watch ${taskId}`,
      );
    });
}
