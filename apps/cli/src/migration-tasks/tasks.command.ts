import type { Command } from 'commander';
import type { MigrationTaskView } from '#libs/contracts';
import { type CommandContext, print } from '../command-context.js';
import { renderTask } from './render-task.js';
import { renderTasks } from './render-tasks.js';
import { addTaskCreateCommand } from './task-create.command.js';

/** More tasks than this are no longer read by a person. */
const MAX_TASKS = 2_000;

export function addTasksCommands(program: Command, context: CommandContext): void {
  program
    .command('tasks')
    .description('list the migration tasks')
    .action(async () => {
      const tasks = await allTasks(context);
      print(context, { tasks }, (paint) => renderTasks(tasks, paint));
    });
  const task = program
    .command('task')
    .description('show a migration task: phases, rounds, digests')
    .argument('<id>', 'a migration task')
    .action(async (taskId: string) => {
      const document = await (await context.gateway()).migrationTask(taskId);
      print(context, document, (paint) => renderTask(document, paint, Date.now()));
    });
  addTaskCreateCommand(task, context);
  program
    .command('retry')
    .description('let a halted migration task go on')
    .argument('<task>', 'a migration task')
    .action(async (taskId: string) => {
      const gateway = await context.gateway();
      await gateway.retry(taskId);
      const document = await gateway.migrationTask(taskId);
      print(context, document, (paint) => renderTask(document, paint, Date.now()));
    });
}

async function allTasks(context: CommandContext): Promise<readonly MigrationTaskView[]> {
  const gateway = await context.gateway();
  const tasks: MigrationTaskView[] = [];
  let next: string | null = null;
  do {
    const page = await gateway.migrationTasks(next ?? undefined);
    tasks.push(...page.tasks);
    next = page.next;
  } while (next !== null && tasks.length < MAX_TASKS);
  return tasks;
}
