import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Schedule } from '#libs/contracts';
import { type CommandContext, print } from '../command-context.js';
import { scheduleInWords } from '../migration-tasks/render-tasks.js';
import { parseSeconds } from '../terminal/quantities-in-words.js';

export type ScheduleOptions = {
  readonly every?: number;
  readonly cron?: string;
  readonly timeZone: string;
  readonly off?: boolean;
  readonly catchUp?: CatchUp;
};

type CatchUp = NonNullable<Schedule['catchUp']>;
const CATCH_UPS: readonly CatchUp[] = ['once', 'skip'];

export function addScheduleCommand(program: Command, context: CommandContext): void {
  program
    .command('schedule')
    .description('set when synchronizations start by themselves, or remove that')
    .argument('<task>', 'a migration task')
    .addOption(new Option('--every <duration>', 'such as 60s, 5m, 1h').argParser(parseEvery).conflicts(['cron', 'off']))
    .addOption(new Option('--cron <expression>', 'a cron expression').conflicts(['every', 'off']))
    .option('--time-zone <zone>', 'in which the cron expression is meant', 'UTC')
    .addOption(
      new Option('--catch-up <how>', 'for time points that passed while the server was down: one round, or none')
        .choices(CATCH_UPS)
        .conflicts('off'),
    )
    .addOption(new Option('--off', 'no synchronizations by themselves').conflicts(['every', 'cron']))
    .action(async (taskId: string, options: ScheduleOptions, command: Command) => {
      const schedule = scheduleFrom(options);
      if (schedule === undefined) command.error('error: give one of --every, --cron, --off');
      const gateway = await context.gateway();
      if (schedule === null) await gateway.removeSchedule(taskId);
      else await gateway.setSchedule(taskId, schedule);
      print(context, { taskId, schedule }, () =>
        schedule === null
          ? 'Synchronizations start only when they are asked for.'
          : `Synchronizations start by themselves: ${scheduleInWords(schedule)}.`,
      );
    });
}

/** @returns null for none, undefined when the options say nothing */
export function scheduleFrom({ every, cron, timeZone, off, catchUp }: ScheduleOptions): Schedule | null | undefined {
  const more = catchUp === undefined ? {} : { catchUp };
  if (off === true) return null;
  if (every !== undefined) return { kind: 'interval', everySeconds: every, ...more };
  if (cron !== undefined) return { kind: 'cron', expression: cron, timeZone, ...more };
  return undefined;
}

function parseEvery(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds === undefined || seconds < 1) throw new InvalidArgumentError('A duration is wanted, such as 60s or 5m.');
  return seconds;
}
