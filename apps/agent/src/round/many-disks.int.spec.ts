import {
  MachinePace,
  openSourceDisk,
  roundBuffers,
  startNbdkit,
  forgetDifferences,
  syncBlocks,
  syncDisk,
  usedBlocksOf,
  type NbdkitServer,
} from '#libs/block-transfer';
import { UNLIMITED_THROTTLE, type EndpointProgress, type EndpointReport, type ThrottleSettings } from '#libs/contracts';
import { systemScheduler } from '#libs/endpoint-link';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOTHING_HELD } from '../quiesce/hold-file-systems.js';
import { DigestTableFolder } from './digest-table.folder.js';
import { NO_TRACKING } from './fake-machine.fake.js';
import { reachTarget } from './reach-target.js';
import { fakeAssignment, fakeDisk, fakeInventory } from './round-fixture.fake.js';
import { RoundRunner } from './round-runner.js';
import { RoundStateFile } from './round-state.file.js';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const SECTOR_BYTES = 512;
const DISKS_AT_ONCE = 2;

interface DiskWish {
  readonly diskId: string;
  readonly bytes: number;
  /** Left out: of 512 bytes. 0: no loop device, but the image itself. */
  readonly sectorBytes?: number;
  readonly targetBytes?: number;
}

interface TestDisk {
  readonly diskId: string;
  readonly device: string;
  readonly bytes: number;
  readonly source: string;
  readonly target: string;
  readonly server: NbdkitServer;
}

const childrenOf = async (pid: number): Promise<number> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter((child) => child !== '').length;
const filesOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

/** A machine with real disks (loop devices), each with a target served by an nbdkit of its own. */
class ManyDisks {
  readonly disks: TestDisk[] = [];
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  readonly pace = new MachinePace();
  onProgress: (progress: EndpointProgress) => void = () => undefined;
  #open = 0;
  mostOpen = 0;
  readonly #runner: RoundRunner;

  private constructor(readonly folder: string) {
    this.pace.adjust(UNLIMITED_THROTTLE);
    this.#runner = this.#newRunner();
  }

  static async make(wishes: readonly DiskWish[]): Promise<ManyDisks> {
    const machine = new ManyDisks(await mkdtemp(join(tmpdir(), 'landfall-many-disks-')));
    await mkdir(join(machine.folder, 'digests'));
    for (const wish of wishes) machine.disks.push(await machine.#add(wish));
    return machine;
  }

  async #add({ diskId, bytes, sectorBytes = SECTOR_BYTES, targetBytes = bytes }: DiskWish): Promise<TestDisk> {
    const [source, target] = [join(this.folder, `${diskId}.img`), join(this.folder, `${diskId}.target.img`)];
    await writeFile(source, randomBytes(bytes));
    // A target that was used before, with a tail that is not ours.
    await writeFile(target, Buffer.alloc(targetBytes, 0xa5));
    const server = await startNbdkit({ path: target, host: '127.0.0.1' });
    if (sectorBytes === 0) return { diskId, device: source, bytes, source, target, server };
    const { stdout } = await run('losetup', ['--find', '--show', '--sector-size', String(sectorBytes), source]);
    const device = stdout.trim();
    const size = await readFile(`/sys/class/block/${device.slice('/dev/'.length)}/size`, 'utf8');
    return { diskId, device, bytes: Number(size) * SECTOR_BYTES, source, target, server };
  }

  #newRunner(): RoundRunner {
    const openCounted: typeof openSourceDisk = async (device) => {
      const disk = await openSourceDisk(device);
      this.#open += 1;
      this.mostOpen = Math.max(this.mostOpen, this.#open);
      return {
        sizeBytes: disk.sizeBytes,
        read: (target, offsetBytes) => disk.read(target, offsetBytes),
        close: async () => {
          this.#open -= 1;
          await disk.close();
        },
      };
    };
    return new RoundRunner({
      collectInventory: async () => fakeInventory(this.#described()),
      ...{ usedBlocksOf, openSourceDisk: openCounted, forgetDifferences, syncBlocks, syncDisk, pace: this.pace },
      reachTarget: (target, signal) => reachTarget(target, {}, signal),
      changes: NO_TRACKING,
      buffers: roundBuffers(),
      disksAtOnce: DISKS_AT_ONCE,
      digestTables: new DigestTableFolder(join(this.folder, 'digests')),
      quiesce: {
        flush: async () => undefined,
        hold: async () => ({ held: NOTHING_HELD, notHeld: [] }),
        holdForMap: async () => null,
      },
      state: new RoundStateFile(join(this.folder, 'round.json')),
      report: async (report) => {
        this.reports.push(report);
        return 'acknowledged';
      },
      progress: (progress) => {
        this.progress.push(progress);
        this.onProgress(progress);
      },
      scheduler: systemScheduler,
      now: () => new Date(),
      random: () => 0,
      log: () => undefined,
    });
  }

  #described(): ReturnType<typeof fakeDisk>[] {
    return this.disks.map(({ diskId, device, bytes }) => ({ ...fakeDisk(diskId, bytes), device, partitions: [] }));
  }

  async round(roundId: string, signal = new AbortController().signal): Promise<EndpointReport | undefined> {
    const assignment = fakeAssignment('full', this.#described());
    const disks = assignment.disks.map((disk, index) => ({ ...disk, export: this.disks[index]!.server.export }));
    await this.#runner.run({ ...assignment, roundId, disks }, signal);
    return this.reports.findLast(({ kind }) => kind === 'round-completed' || kind === 'round-failed');
  }

  throttle(changes: Partial<ThrottleSettings>): void {
    this.pace.adjust({ ...UNLIMITED_THROTTLE, ...changes });
  }

  async expectEqual(): Promise<void> {
    for (const { diskId, source, target, bytes } of this.disks) {
      const [from, to] = [await readFile(source), await readFile(target)];
      if (!from.subarray(0, bytes).equals(to.subarray(0, bytes))) expect.fail(`the target of ${diskId} differs`);
      // What is beyond the source is not ours.
      expect(to.subarray(bytes).every((byte) => byte === 0xa5)).toBe(true);
    }
  }

  async clear(): Promise<void> {
    for (const { device, source, server } of this.disks) {
      await server.close();
      if (device !== source) await run('losetup', ['--detach', device]);
    }
    await rm(this.folder, { recursive: true });
  }
}

const ROUNDS = ['6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a201', '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a202'] as const;
const resultsOf = (report: EndpointReport | undefined) => (report?.kind === 'round-completed' ? report.disks : []);

describe('a round over many disks', () => {
  let machine: ManyDisks | null = null;
  beforeEach(() => {
    machine = null;
  });
  afterEach(() => machine?.clear());

  it(
    'goes through 64 of them, two at a time, with bounded files, processes and memory',
    { timeout: 240_000 },
    async () => {
      const wishes = Array.from({ length: 64 }, (_, index) => ({
        diskId: `disk-${String(index).padStart(2, '0')}`,
        // Neighbours differ in size by a sector, so that hardly any is a whole number of blocks or pages.
        bytes: 3 * MIB + index * 17 * SECTOR_BYTES,
      }));
      machine = await ManyDisks.make(wishes);
      expect(await childrenOf(process.pid)).toBeGreaterThanOrEqual(64);
      const before = { files: await filesOf(process.pid), residentBytes: process.memoryUsage().rss };
      let [mostFiles, mostResidentBytes] = [0, 0];
      machine.onProgress = () => {
        mostResidentBytes = Math.max(mostResidentBytes, process.memoryUsage().rss);
        void filesOf(process.pid).then((files) => (mostFiles = Math.max(mostFiles, files)));
      };
      expect(resultsOf(await machine.round(ROUNDS[0]))).toHaveLength(64);
      await machine.expectEqual();
      expect(machine.mostOpen).toBe(DISKS_AT_ONCE);
      // Two disks with a source, two connections and a journal each, and what a tool or a state file takes for a moment.
      expect(mostFiles - before.files).toBeLessThan(24);
      expect(mostResidentBytes - before.residentBytes).toBeLessThan(64 * MIB);
      expect(await childrenOf(process.pid)).toBeGreaterThanOrEqual(64);
      expect(
        machine.progress.at(-1)?.disks.every(({ plannedBytes, processedBytes }) => processedBytes === plannedBytes),
      ).toBe(true);

      // One of them changes, the others are idle: only that one is sent.
      const changed = machine.disks[40]!;
      const file = await open(changed.device, 'r+');
      await file.write(randomBytes(4096), 0, 4096, 2 * MIB);
      await file.sync();
      await file.close();
      const sent = resultsOf(await machine.round(ROUNDS[1])).filter(
        ({ sentBytes, zeroedBytes }) => sentBytes + zeroedBytes > 0,
      );
      expect(sent.map(({ diskId, sentBytes }) => [diskId, sentBytes])).toEqual([[changed.diskId, 65_536]]);
      await machine.expectEqual();
    },
  );

  it(
    'copies sizes that no block, page or sector fits, 4Kn disks, and to larger targets',
    { timeout: 120_000 },
    async () => {
      machine = await ManyDisks.make([
        { diskId: 'sectors', bytes: 2 * MIB + 3 * SECTOR_BYTES },
        { diskId: 'pages', bytes: MIB + 3 * 4096 },
        { diskId: 'one-sector', bytes: SECTOR_BYTES },
        { diskId: '4kn', bytes: 3 * MIB + 5 * 4096, sectorBytes: 4096 },
        { diskId: 'odd-image', bytes: MIB + 12_345, sectorBytes: 0 },
        { diskId: 'one-byte', bytes: 1, sectorBytes: 0 },
        { diskId: 'larger', bytes: MIB + SECTOR_BYTES, targetBytes: 3 * MIB + 7 },
        { diskId: '4kn-larger', bytes: MIB, sectorBytes: 4096, targetBytes: MIB + 4096 },
      ]);
      const report = await machine.round(ROUNDS[0]);
      expect(report).toMatchObject({ kind: 'round-completed' });
      expect(Object.fromEntries(resultsOf(report).map(({ diskId, sentBytes }) => [diskId, sentBytes]))).toEqual(
        Object.fromEntries(machine.disks.map(({ diskId, bytes }) => [diskId, bytes])),
      );
      await machine.expectEqual();
    },
  );

  it('is held to its cap over all disks, and takes another one up while it runs', { timeout: 120_000 }, async () => {
    machine = await ManyDisks.make([1, 2, 3].map((index) => ({ diskId: `disk-${index}`, bytes: 12 * MIB })));
    machine.throttle({ networkBytesPerSecond: 4_000_000 });
    const beganMs = performance.now();
    let sentAtChange = 0;
    const changeMs = 3_000;
    machine.onProgress = ({ disks }) => {
      if (sentAtChange > 0 || performance.now() - beganMs < changeMs) return;
      sentAtChange = disks.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
      machine?.throttle({});
    };
    await machine.round(ROUNDS[0]);
    // Steps that wait for their turn count as sent; they are what the buffers hold at most.
    expect(sentAtChange).toBeGreaterThan(8_000_000);
    expect(sentAtChange).toBeLessThan(4_000_000 * (changeMs / 1000 + 1) + 15 * MIB);
    const [capped] = machine.progress.filter(({ pace }) => pace?.networkBytesPerSecond === 4_000_000);
    expect(capped?.pace).toMatchObject({ limitedBy: 'network-cap' });
    expect(performance.now() - beganMs).toBeLessThan(9_000);
    expect(resultsOf(machine.reports.at(-1))).toHaveLength(3);
    await machine.expectEqual();
  });

  it('stops at once when it is told to while it waits for its cap', { timeout: 60_000 }, async () => {
    machine = await ManyDisks.make([1, 2].map((index) => ({ diskId: `disk-${index}`, bytes: 8 * MIB })));
    machine.throttle({ networkBytesPerSecond: 125_000 });
    const stop = new AbortController();
    const ended = machine.round(ROUNDS[0], stop.signal);
    await expect
      .poll(() => machine?.progress.some(({ activity }) => activity === 'transferring'), { timeout: 10_000 })
      .toBe(true);
    const toldMs = performance.now();
    stop.abort(new Error('something else is wanted'));
    await ended;
    expect(performance.now() - toldMs).toBeLessThan(3_000);
    expect(machine.mostOpen).toBe(2);
  });
});
