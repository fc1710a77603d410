import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { renderEvent } from './render-events.js';

const PAGE = 500;
const POLL_MS = 1_000;

type EventsOptions = { readonly follow?: boolean; readonly after?: string };

export function addEventsCommand(program: Command, context: CommandContext): void {
  program
    .command('events')
    .description('list the events of a migration task, oldest first; with --json one document a line')
    .argument('<task>', 'a migration task')
    .option('--after <position>', 'only events behind this position')
    .option('--follow', 'go on with new events as they come, until Ctrl-C')
    .action((taskId: string, options: EventsOptions) => listEvents(taskId, options, context));
}

async function listEvents(taskId: string, options: EventsOptions, context: CommandContext): Promise<void> {
  const gateway = await context.gateway();
  let after = options.after;
  for (;;) {
    const { events, next } = await gateway.events(taskId, { after, limit: PAGE });
    for (const event of events) {
      const line = context.isJson() ? JSON.stringify(event) : renderEvent(event, context.output.paint);
      context.output.write(`${line}\n`);
    }
    const isMore = next !== null && events.length > 0;
    after = next ?? events.at(-1)?.position ?? after;
    if (isMore) continue;
    if (options.follow !== true) return;
    await delay(POLL_MS, undefined, { signal: context.signal });
  }
}
