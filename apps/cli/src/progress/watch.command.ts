import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { EXIT_CODES } from '../exit-codes.js';
import { followTask } from '../gateway/follow-task.js';
import type { TaskMessage } from '../gateway/task-document.js';
import { renderTask } from '../migration-tasks/render-task.js';
import { LiveBlock } from '../terminal/live-block.js';
import { type WatchedTask, isOver, observeMessage, renderWatch } from './watched-task.js';

const COUNTDOWN_MS = 1_000;

export function addWatchCommand(program: Command, context: CommandContext): void {
  program
    .command('watch')
    .description('follow a migration task until it is completed, halted or cancelled; with --json one message a line')
    .argument('<task>', 'a migration task')
    .action((taskId: string) => watch(taskId, context));
}

async function watch(taskId: string, context: CommandContext): Promise<void> {
  const gateway = await context.gateway();
  const { output } = context;
  const block = new LiveBlock(output);
  let watched: WatchedTask | undefined;
  const show = () => {
    if (watched !== undefined) block.show(renderWatch(watched, output.columns, output.paint, Date.now()));
  };
  const isLive = output.isTerminal && !context.isJson();
  // What is left of a window goes down also while nothing is told.
  const countdown = isLive ? setInterval(show, COUNTDOWN_MS) : undefined;
  try {
    for await (const message of followTask(gateway, taskId, context.signal)) {
      watched = observeMessage(watched, message);
      if (context.isJson()) output.write(`${JSON.stringify(messageDocument(message))}\n`);
      else show();
      if (isOver(watched)) break;
    }
  } finally {
    clearInterval(countdown);
  }
  const document = watched?.document;
  if (document === undefined) return;
  if (!context.isJson()) {
    block.end('clear');
    output.write(`${renderTask(document, output.paint, Date.now())}\n`);
  }
  if (document.task.status === 'halted') context.endWith(EXIT_CODES.taskHalted);
  if (document.task.status === 'cancelled') context.endWith(EXIT_CODES.taskCancelled);
}

const messageDocument = (message: TaskMessage) =>
  message.type === 'progress' ? { progress: message.progress } : message.document;
