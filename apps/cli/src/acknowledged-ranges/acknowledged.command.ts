import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import { renderAcknowledged } from './render-acknowledged.js';

/** More ranges of a disk are no longer read by a person. */
const SHOWN_RANGES = 20;

type AcknowledgedOptions = { readonly round?: string; readonly all?: boolean };

export function addAcknowledgedCommand(program: Command, context: CommandContext): void {
  program
    .command('acknowledged')
    .description('list what the target of a migration task is known to hold durably, disk by disk')
    .argument('<task>', 'a migration task')
    .option('--round <id>', 'only what this round had acknowledged')
    .option('--all', `all ranges, not only the first ${SHOWN_RANGES} of each disk`)
    .action(async (taskId: string, { round, all }: AcknowledgedOptions) => {
      const disks = await (await context.gateway()).acknowledgedRanges(taskId, round);
      const mostRanges = all === true ? Number.POSITIVE_INFINITY : SHOWN_RANGES;
      print(context, { disks }, (paint) => renderAcknowledged(disks, mostRanges, paint));
    });
}
