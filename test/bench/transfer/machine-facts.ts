import { cpus, loadavg, release, totalmem } from 'node:os';
import { tool } from './tool.js';

/** What figures mean nothing without. */
export interface MachineFacts {
  readonly date: string;
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Over the last minute, before the run began. */
  readonly loadAverage: number;
  readonly versions: readonly string[];
  readonly folder: string;
  readonly folderType: string;
}

const VERSION_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['nbdkit', '--version'],
  ['nbdcopy', '--version'],
  ['qemu-img', '--version'],
  ['rsync', '--version'],
];

export async function machineFacts(folder: string): Promise<MachineFacts> {
  const versions = await Promise.all(VERSION_COMMANDS.map(([command, ...args]) => versionOf(command, args)));
  return {
    date: new Date().toISOString().slice(0, 10),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryGib: totalmem() / 1024 ** 3,
    kernel: release(),
    loadAverage: loadavg()[0] ?? 0,
    versions: [`Node ${process.version.slice(1)}`, ...versions.filter((version) => version !== '')],
    folder,
    folderType: (await tool('stat', '-f', '-c', '%T', folder)).trim(),
  };
}

/** Name and version from the first line that a program says of itself; nothing where it is not installed. */
async function versionOf(command: string, args: readonly string[]): Promise<string> {
  const text = await tool(command, ...args).catch(() => '');
  const version = /\d+(\.\d+)+/.exec(text.split('\n')[0] ?? '')?.[0];
  return version === undefined ? '' : `${command} ${version}`;
}
