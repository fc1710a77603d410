import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { LocalProcessDriver } from '#libs/hci';
import type { StartOfRestorer } from './hci-driver.suite.js';
import { until } from '#libs/testing';
import type { FoundMachine, PlatformUnderTest } from './hci-driver.suite.js';

/**
 * Does what the driver sees of a restorer: makes its images, enrols once, stays until SIGTERM. Like nbdkit, a process
 * that it starts may outlive it. It notes every process and every start beside the machines, where no driver looks.
 */
const STUB_RESTORER = `
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
const config = JSON.parse(readFileSync(process.argv[process.argv.indexOf('--config') + 1], 'utf8'));
const [folder] = process.argv[1].split('/stub-restorer.mjs');
const behaviour = readFileSync(folder + '/next-start', 'utf8');
writeFileSync(folder + '/next-start', 'enrols');
const child = spawn('sleep', ['600'], { stdio: 'ignore' });
appendFileSync(folder + '/starts-' + config.name, process.pid + ' ' + child.pid + '\\n');
for (const { path, sizeBytes } of config.disks) {
  if (existsSync(path)) continue;
  const image = openSync(path, 'wx');
  ftruncateSync(image, sizeBytes);
  closeSync(image);
}
if (behaviour === 'ends') process.exit(78);
if (behaviour === 'dies-before-enrolling') process.kill(process.pid, 'SIGKILL');
const credential = config.stateFolder + '/credential.json';
if (!existsSync(credential)) writeFileSync(credential, JSON.stringify({ enrolledWith: config.token }));
if (behaviour === 'dies-after-enrolling') process.kill(process.pid, 'SIGKILL');
process.on('SIGTERM', () => process.exit(0));
child.ref();
`;

const vmFile = z.object({ boot: z.enum(['restore-environment', 'disk']) });

/** The local-process driver over the stub, in a folder of its own. */
export class StubPlatform implements PlatformUnderTest {
  private constructor(private readonly folder: string) {}

  static async open(): Promise<StubPlatform> {
    const platform = new StubPlatform(await mkdtemp(join(tmpdir(), 'landfall-hci-')));
    await writeFile(platform.#program, STUB_RESTORER);
    await platform.nextStart('enrols');
    return platform;
  }

  readonly driver = (node = process.execPath): LocalProcessDriver =>
    new LocalProcessDriver({
      folder: join(this.folder, 'machines'),
      restorerProgram: this.#program,
      node,
      serverUrl: null,
      insecureNetwork: false,
      listenHost: '127.0.0.1',
    });

  readonly machineFolder = (targetVmId: string): string => join(this.folder, 'machines', targetVmId);

  readonly find = async (targetVmId: string): Promise<FoundMachine | null> => {
    const starts = await this.#startsOf(targetVmId);
    const alive = starts.flat().filter(isAlive);
    const folder = this.machineFolder(targetVmId);
    if (!existsSync(folder) && alive.length === 0) return null;
    const restorers = starts.map(([restorer]) => restorer);
    const runsRestorer = alive.some((pid) => restorers.includes(pid));
    // Anything that is left of the restore environment may still write to the disks.
    const boots = vmFile.safeParse(await jsonIn(join(folder, 'vm.json'))).data?.boot;
    const runs = runsRestorer ? 'restore-environment' : boots === 'disk' && alive.length === 0 ? 'disk' : 'nothing';
    return { disks: await imagesIn(join(folder, 'disks')), runs, starts: starts.length };
  };

  readonly crash = async (targetVmId: string): Promise<void> => {
    const [restorer] = (await this.#startsOf(targetVmId)).at(-1)!;
    process.kill(restorer!, 'SIGKILL');
    await until('the restorer to be dead', () => !isAlive(restorer!));
  };

  readonly nextStart = (start: StartOfRestorer | 'ends'): Promise<void> =>
    writeFile(join(this.folder, 'next-start'), start);

  readonly close = async (): Promise<void> => {
    for (const file of await readdir(this.folder)) {
      if (!file.startsWith('starts-')) continue;
      const starts = await this.#startsOf(file.slice('starts-'.length));
      for (const pid of starts.flat().filter(isAlive)) process.kill(pid, 'SIGKILL');
    }
    await rm(this.folder, { recursive: true });
  };

  /** The processes of each start, the restorer first. */
  async #startsOf(targetVmId: string): Promise<number[][]> {
    const text = await readFile(join(this.folder, `starts-${targetVmId}`), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').map(Number));
  }

  get #program(): string {
    return join(this.folder, 'stub-restorer.mjs');
  }
}

/** The remains of a process that nobody has collected yet are not alive. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

const imagesIn = async (folder: string): Promise<{ diskId: string; sizeBytes: number }[]> => {
  const files = await readdir(folder).catch(() => []);
  return Promise.all(
    files.map(async (file) => ({
      diskId: decodeURIComponent(file.replace(/\.img$/, '')),
      sizeBytes: (await stat(join(folder, file))).size,
    })),
  );
};

const jsonIn = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as unknown;
