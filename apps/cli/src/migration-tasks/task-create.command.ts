import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_THROTTLE, type TargetWishes, type TaskSettings, taskSettings } from '#libs/contracts';
import { type CommandContext, print } from '../command-context.js';
import type { MigrationTaskWish } from '../gateway/gateway-client.js';
import { parseSeconds, parseSize } from '../terminal/quantities-in-words.js';
import { addCapOptions } from '../throttle/throttle.command.js';
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
} & SettingsOptions;

export type SettingsOptions = {
  readonly resumeWindow?: number;
  readonly afterFailure?: TaskSettings['afterFailure'];
  readonly retryLimit?: number;
  readonly retryDelay?: number;
  readonly digests?: TaskSettings['digestAlgorithm'];
  readonly cancelGrace?: number;
  readonly failureGrace?: number | 'never';
  readonly network?: number | null;
  readonly storage?: number | null;
};

export function addTaskCreateCommand(task: Command, context: CommandContext): void {
  const create = task
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
    .option('--check', 'run the pre-checks and create nothing');
  addCapOptions(addSettingsOptions(create)).action(async (options: TaskCreateOptions) => {
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

function addSettingsOptions(command: Command): Command {
  return command
    .option('--resume-window <duration>', 'how long a lost link is waited for (default: 15m)', parseDuration)
    .addOption(
      new Option('--after-failure <what>', 'what is sent after a failed round (default: compare-digests)').choices(
        taskSettings.shape.afterFailure.options,
      ),
    )
    .option('--retry-limit <number>', 'how often what may pass is tried again by itself (default: 3)', parseCountOrNone)
    .option(
      '--retry-delay <duration>',
      'before the first retry, doubled for each further one (default: 60s)',
      parseDuration,
    )
    .addOption(
      new Option('--digests <algorithm>', 'how blocks are compared and proven equal (default: blake3)').choices(
        taskSettings.shape.digestAlgorithm.options,
      ),
    )
    .option(
      '--cancel-grace <duration>',
      'from a cancellation to the removal of the target (default: 1h)',
      parseDuration,
    )
    .option(
      '--failure-grace <duration>',
      'the same after a failure that nobody attends to, or never (default: 7d)',
      parseDurationOrNever,
    );
}

/** What was not given is left out: the gateway and planning have the defaults. */
export function wishFrom(options: TaskCreateOptions): MigrationTaskWish {
  const target: TargetWishes = {
    ...(options.cpus === undefined ? {} : { cpuCount: options.cpus }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.firmware === undefined ? {} : { firmware: options.firmware }),
  };
  const settings = settingsFrom(options);
  return {
    name: options.name,
    sourceMachineId: options.source,
    siteId: options.site,
    ...(options.disk === undefined ? {} : { diskIds: [...options.disk] }),
    ...(Object.keys(target).length === 0 ? {} : { target }),
    ...(options.copyRawDisks === undefined ? {} : { copyRawDisks: options.copyRawDisks }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
}

function settingsFrom(options: SettingsOptions): Partial<TaskSettings> {
  const { resumeWindow, afterFailure, retryLimit, retryDelay, digests, cancelGrace, failureGrace } = options;
  const throttle = throttleOf(options);
  return {
    ...(resumeWindow === undefined ? {} : { resumeWindowSeconds: resumeWindow }),
    ...(afterFailure === undefined ? {} : { afterFailure }),
    ...(retryLimit === undefined ? {} : { retryLimit }),
    ...(retryDelay === undefined ? {} : { retryDelaySeconds: retryDelay }),
    ...(digests === undefined ? {} : { digestAlgorithm: digests }),
    ...(cancelGrace === undefined ? {} : { cancelGraceSeconds: cancelGrace }),
    ...(failureGrace === undefined ? {} : { failureGraceSeconds: failureGrace === 'never' ? null : failureGrace }),
    ...(throttle === undefined ? {} : { throttle }),
  };
}

function throttleOf({ network, storage }: SettingsOptions): TaskSettings['throttle'] | undefined {
  if (network === undefined && storage === undefined) return undefined;
  return {
    ...DEFAULT_THROTTLE,
    ...(network === undefined ? {} : { networkBytesPerSecond: network }),
    ...(storage === undefined ? {} : { storageShare: storage }),
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

function parseCountOrNone(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.');
  return Number(text);
}

function parseDuration(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds === undefined) throw new InvalidArgumentError('A duration is wanted, such as 90s, 15m, 1h or 7d.');
  return seconds;
}

const parseDurationOrNever = (text: string): number | 'never' => (text === 'never' ? text : parseDuration(text));
