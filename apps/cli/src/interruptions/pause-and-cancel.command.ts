import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import type { GatewayClient } from '../gateway/gateway-client.js';
import type { TaskDocument } from '../gateway/task-document.js';
import { renderTask } from '../migration-tasks/render-task.js';
import { parseSeconds } from '../terminal/quantities-in-words.js';

type CancelOptions = { readonly grace?: number };

export function addPauseAndCancelCommands(program: Command, context: CommandContext): void {
  const show = async (ask: (gateway: GatewayClient) => Promise<TaskDocument>) => {
    const document = await ask(await context.gateway());
    print(context, document, (paint) => renderTask(document, paint, Date.now()));
  };
  program
    .command('pause')
    .description('hold a migration task where it is; nothing is lost, and no time runs out meanwhile')
    .argument('<task>', 'a migration task')
    .action((taskId: string) => show((gateway) => gateway.pause(taskId)));
  program
    .command('resume')
    .description('let a paused migration task go on where it was held')
    .argument('<task>', 'a migration task')
    .action((taskId: string) => show((gateway) => gateway.resume(taskId)));
  program
    .command('cancel')
    .description('cancel a migration task; after a grace period, its target VM and disks are removed')
    .argument('<task>', 'a migration task')
    .option('--grace <duration>', "until the removal, such as 10m; 0: at once (default: the task's own)", parseGrace)
    .action((taskId: string, { grace }: CancelOptions) => show((gateway) => gateway.cancel(taskId, grace)));
  program
    .command('keep')
    .description('take back the cancellation of a migration task, within its grace period')
    .argument('<task>', 'a migration task')
    .action((taskId: string) => show((gateway) => gateway.withdrawCancellation(taskId)));
}

/** @throws InvalidArgumentError when it is no duration; 0 is one */
export function parseGrace(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds === undefined) throw new InvalidArgumentError('A duration is wanted, such as 0, 10m or 1d.');
  return seconds;
}
