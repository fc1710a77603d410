import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';

export function addCutoverCommands(program: Command, context: CommandContext): void {
  program
    .command('cutover')
    .description('ask for the cutover; the last synchronization waits for confirm-stopped')
    .argument('<task>', 'a migration task')
    .action(async (taskId: string) => {
      const answer = await (await context.gateway()).requestCutover(taskId);
      print(
        context,
        answer ?? { taskId },
        () =>
          `The cutover is requested. Stop the business services on the source (not the source itself), then: landfall confirm-stopped ${taskId}`,
      );
    });
  program
    .command('confirm-stopped')
    .description("say that the source's business services are stopped; the cutover goes on from there")
    .argument('<task>', 'a migration task')
    .action(async (taskId: string) => {
      const answer = await (await context.gateway()).confirmSourceServicesStopped(taskId);
      print(context, answer ?? { taskId }, () => `Confirmed. Watch the cutover with: landfall watch ${taskId}`);
    });
}
