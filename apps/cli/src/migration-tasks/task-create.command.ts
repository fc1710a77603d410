import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TargetWishes } from '#libs/contracts';
import { type CommandContext, print } from '../command-context.js';
import type { MigrationTaskWish } from '../gateway/gateway-client.js';
import { parseSize } from '../terminal/quantities-in-words.js';
import { renderPreCheck } from './render-task.js';
import { renderTasks } from './render-tasks.js';

export type TaskCreateOptions = {
  readonly name: string;
  readonly source: string;
  readonly site: string;
  readonly disk?: readonly string[];
  readonly cpus?: number;
  readonly memory?: number;
  readonly firmware?: 'bios' | 'uefi';
  readonly copyRawDisks?: boolean;
  readonly check?: boolean;
};

export function addTaskCreateCommand(task: Command, context: CommandContext): void {
  task
    .command('create')
    .description('migrate a source machine, or only ask what speaks against it (--check)')
    .requiredOption('--name <name>', 'what people call the task')
    .requiredOption('--source <id>', 'the source machine')
    .requiredOption('--site <id>', 'the HCI site that the target VM is created on')
    .option('--disk <id...>', 'only these disks (default: all of the machine)')
    .option('--cpus <number>', 'CPUs of the target VM (default: as the source)', parseCount)
    .option('--memory <size>', 'memory of the target VM, such as 2GiB (default: as the source)', parseMemory)
    .addOption(new Option('--firmware <kind>', 'firmware of the target VM').choices(['bios', 'uefi']))
    .option('--copy-raw-disks', 'also copy disks without partitions and file system')
    .option('--check', 'run the pre-checks and create nothing')
    .action(async (options: TaskCreateOptions) => {
      const gateway = await context.gateway();
      if (options.check === true) {
        const check = await gateway.checkMigrationTask(wishFrom(options));
        print(context, check, (paint) => renderPreCheck(check, paint));
        return;
      }
      const created = await gateway.createMigrationTask(wishFrom(options));
      print(context, created, (paint) => renderTasks([created], paint));
    });
}

/** What was not given is left out: the gateway and planning have the defaults. */
export function wishFrom(options: TaskCreateOptions): MigrationTaskWish {
  const target: TargetWishes = {
    ...(options.cpus === undefined ? {} : { cpuCount: options.cpus }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.firmware === undefined ? {} : { firmware: options.firmware }),
  };
  return {
    name: options.name,
    sourceMachineId: options.source,
    siteId: options.site,
    ...(options.disk === undefined ? {} : { diskIds: [...options.disk] }),
    ...(Object.keys(target).length === 0 ? {} : { target }),
    ...(options.copyRawDisks === undefined ? {} : { copyRawDisks: options.copyRawDisks }),
  };
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('A whole number above 0 is wanted.');
  return Number(text);
}

function parseMemory(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('A size is wanted, such as 2GiB.');
  return bytes;
}
