import { execFile } from 'node:child_process';
import { access, readFile, realpath, stat, statfs } from 'node:fs/promises';
import os from 'node:os';
import type { DevicePath, MachineView, MountedSpace, Tool, ToolOutcome } from './machine-view.js';
import { toolFailure } from './tool-failure.js';

/** A disk that does not answer must not hold the inventory for ever. */
const TOOL_TIMEOUT_MS = 30_000;
const TOOL_OUTPUT_MAX_BYTES = 16 * 1024 * 1024;
/** Services often run without the administrator's folders in their path. */
const ADMIN_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The machine this process runs on. */
export const linuxMachineView: MachineView = {
  run: runTool,
  readText: (path) => readFile(path, 'utf8').catch(() => null),
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  spaceOf,
  followDevicePath,
  facts: () => ({
    hostname: os.hostname(),
    kernel: os.release(),
    hardwareName: os.machine(),
    // Zero where /proc/cpuinfo has a form Node does not know.
    cpuCount: Math.max(1, os.cpus().length),
  }),
};

function runTool(tool: Tool, args: readonly string[]): Promise<ToolOutcome> {
  const path = [process.env['PATH'], ...ADMIN_PATHS].filter(Boolean).join(':');
  const options = {
    env: { ...process.env, PATH: path, LC_ALL: 'C' },
    timeout: TOOL_TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: TOOL_OUTPUT_MAX_BYTES,
    encoding: 'utf8' as const,
  };
  return new Promise((resolve, reject) => {
    execFile(tool, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
      else reject(toolFailure(tool, error));
    });
  });
}

async function spaceOf(mountPoint: string): Promise<MountedSpace | null> {
  try {
    const space = await statfs(mountPoint, { bigint: true });
    return {
      deviceNumber: deviceNumber((await stat(mountPoint)).dev),
      sizeBytes: Number(space.blocks * space.bsize),
      usedBytes: Number((space.blocks - space.bfree) * space.bsize),
    };
  } catch {
    // Hidden by another mount, or gone in the meantime: not knowing is an answer the inventory has a word for.
    return null;
  }
}

/** `major:minor` of a `st_dev`, which packs the minor number around the major one. */
function deviceNumber(dev: number): string {
  return `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
}

async function followDevicePath(path: string): Promise<DevicePath> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isBlockDevice() ? { kind: 'block', path: real } : { kind: 'other' };
  } catch {
    return { kind: 'absent' };
  }
}
