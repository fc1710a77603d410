import {
  DIGEST_BLOCK_BYTES,
  digestDisk,
  forgetDifferences,
  MachinePace,
  mergeExtents,
  openSourceDisk,
  roundBuffers,
  startNbdkit,
  syncBlocks,
  syncDisk,
  totalBytes,
  usedBlocksOf,
  type NbdkitServer,
} from '#libs/block-transfer';
import {
  UNLIMITED_THROTTLE,
  type ByteRange,
  type EndpointProgress,
  type EndpointReport,
  type SyncRoundAssignment,
} from '#libs/contracts';
import { systemScheduler } from '#libs/endpoint-link';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOTHING_HELD } from '../quiesce/hold-file-systems.js';
import { Cable } from './cable.fake.js';
import { DigestTableFolder } from './digest-table.folder.js';
import { NO_TRACKING } from './fake-machine.fake.js';
import { reachTarget } from './reach-target.js';
import { fakeAssignment, fakeDisk, fakeInventory, TASK_ID } from './round-fixture.fake.js';
import { RoundRunner } from './round-runner.js';
import { RoundStateFile } from './round-state.file.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 96 * MIB;
/** So much is acknowledged when a test breaks the round. */
const BREAK_AFTER_BYTES = 24 * MIB;
const NEXT_ROUND_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a009';

/** An agent with one disk (an image without any file system) and a real target behind a cable. */
class Bench {
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  readonly diary: string[] = [];
  /** Called with the bytes that were acknowledged so far. */
  onAcknowledged: (bytes: number) => Promise<void> = async () => undefined;
  onProgress: (progress: EndpointProgress) => void = () => undefined;
  #server: NbdkitServer | null = null;

  private constructor(
    readonly folder: string,
    readonly cable: Cable,
  ) {}

  static async set(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-attempts-'));
    const bench = new Bench(folder, await Cable.lay());
    await writeFile(bench.source, randomBytes(DISK_BYTES));
    await writeFile(bench.target, randomBytes(DISK_BYTES));
    await mkdir(join(folder, 'digests'));
    return bench;
  }

  get source(): string {
    return join(this.folder, 'source.img');
  }

  get target(): string {
    return join(this.folder, 'target.img');
  }

  runner(folder = this.folder): RoundRunner {
    const disk = { ...fakeDisk('disk', DISK_BYTES), device: this.source, partitions: [] };
    const pace = new MachinePace();
    pace.adjust(UNLIMITED_THROTTLE);
    return new RoundRunner({
      collectInventory: async () => fakeInventory([disk]),
      ...{ usedBlocksOf, openSourceDisk, forgetDifferences, syncBlocks, syncDisk, pace },
      reachTarget: (target, signal) => reachTarget(target, {}, signal),
      changes: NO_TRACKING,
      buffers: roundBuffers(),
      disksAtOnce: 2,
      digestTables: new DigestTableFolder(join(folder, 'digests')),
      quiesce: {
        flush: async () => undefined,
        holdForMap: async () => null,
        hold: async () => {
          this.diary.push('hold');
          return { held: { ...NOTHING_HELD, release: async () => this.diary.push('release') > 0 }, notHeld: [] };
        },
      },
      state: new RoundStateFile(join(folder, 'round.json')),
      report: async (report) => {
        this.reports.push(report);
        if (report.kind === 'ranges-acknowledged') await this.onAcknowledged(totalBytes(this.acknowledged()));
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

  /** The target is served anew, by a server of its own, as for every attempt. */
  async serve(): Promise<void> {
    this.cable.cut();
    await this.#server?.close();
    this.#server = await startNbdkit({ path: this.target, host: '127.0.0.1' });
    await this.cable.mend(this.#server.export);
  }

  assignment(roundKind: SyncRoundAssignment['roundKind'], attempt: number): SyncRoundAssignment {
    const assignment = fakeAssignment(roundKind, [fakeDisk('disk', DISK_BYTES)], { attempt });
    return { ...assignment, disks: assignment.disks.map((disk) => ({ ...disk, export: this.cable.export })) };
  }

  acknowledged(attempt?: SyncRoundAssignment): ByteRange[] {
    const { assignmentId } = attempt ?? { assignmentId: null };
    return mergeExtents(
      this.reports.flatMap((report) =>
        report.kind === 'ranges-acknowledged' && [null, report.assignmentId].includes(assignmentId)
          ? report.ranges
          : [],
      ),
    );
  }

  async expectEqual(): Promise<void> {
    expect((await readFile(this.target)).equals(await readFile(this.source))).toBe(true);
  }

  async clear(): Promise<void> {
    this.cable.cut();
    await this.#server?.close();
    await rm(this.folder, { recursive: true });
  }
}

const never = new AbortController().signal;

describe('a target that was found different', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.set();
  });
  afterEach(() => bench.clear());

  it('is whole after a final round that finds the blocks, sends them alone, and names them', async () => {
    const runner = bench.runner();
    await bench.serve();
    await runner.run(bench.assignment('full', 1), never);
    const damaged = [3, 1200].map((block) => ({
      offsetBytes: block * DIGEST_BLOCK_BYTES,
      lengthBytes: DIGEST_BLOCK_BYTES,
    }));
    const target = await readFile(bench.target);
    for (const { offsetBytes } of damaged) target.fill(0xa5, offsetBytes, offsetBytes + 512);
    await writeFile(bench.target, target);
    const found = await digestDisk(bench.target, { algorithm: 'blake3' });
    const groups = join(bench.folder, 'groups');
    await writeFile(groups, found.groupDigests);
    await bench.serve();
    const groupServer = await startNbdkit({ path: groups, readOnly: true, host: '127.0.0.1' });
    try {
      const assignment = { ...bench.assignment('final', 1), roundId: NEXT_ROUND_ID };
      const disks = assignment.disks.map((disk) => ({ ...disk, groupDigests: groupServer.export }));
      await runner.run({ ...assignment, disks }, never);
    } finally {
      await groupServer.close();
    }
    expect(bench.reports.at(-1)).toMatchObject({
      kind: 'round-completed',
      disks: [{ repaired: { blockCount: 2, ranges: damaged }, sentBytes: totalBytes(damaged), baseline: 'kept' }],
    });
    await bench.expectEqual();
  });
});

describe('a round whose link breaks', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.set();
  });
  afterEach(() => bench.clear());

  const breakWith = (act: () => Promise<void> | void): void => {
    bench.onAcknowledged = async (bytes) => {
      if (bytes < BREAK_AFTER_BYTES) return;
      bench.onAcknowledged = async () => undefined;
      await act();
    };
  };

  it('waits for the link, and sends nothing again that the target had acknowledged', async () => {
    const runner = bench.runner();
    await bench.serve();
    breakWith(() => {
      bench.cable.cut();
    });
    const [first, second] = [bench.assignment('full', 1), bench.assignment('full', 2)];
    await runner.run(first, never);
    expect(bench.reports.map(({ kind }) => kind)).not.toContain('round-failed');
    expect(bench.reports.at(-1)).toMatchObject({ kind: 'link-lost', assignmentId: first.assignmentId });

    const waiting = new Promise<void>((resolve) => {
      let seen = 0;
      bench.onProgress = ({ activity }) => {
        if (activity === 'waiting-for-link' && (seen += 1) === 3) resolve();
      };
    });
    const running = runner.run(second, never);
    await waiting;
    await bench.serve();
    await running;

    const [before, after] = [bench.acknowledged(first), bench.acknowledged(second)];
    expect(totalBytes(before)).toBeGreaterThanOrEqual(BREAK_AFTER_BYTES);
    expect(totalBytes(before) + totalBytes(after)).toBe(DISK_BYTES);
    expect(bench.acknowledged()).toEqual([{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    expect(bench.reports.at(-1)).toMatchObject({ kind: 'round-completed', assignmentId: second.assignmentId });
    await bench.expectEqual();
    const resumed = bench.progress.filter(({ assignmentId }) => assignmentId === second.assignmentId);
    for (const { disks } of resumed) expect(disks[0]?.processedBytes).toBeGreaterThanOrEqual(BREAK_AFTER_BYTES);
  });

  it('goes on after a pause as after a lost link', async () => {
    const runner = bench.runner();
    await bench.serve();
    const pause = new AbortController();
    breakWith(() => {
      pause.abort();
    });
    const [first, second] = [bench.assignment('full', 1), bench.assignment('full', 2)];
    await runner.run(first, pause.signal);
    expect(bench.reports.map(({ kind }) => kind)).not.toContain('link-lost');
    await bench.serve();
    await runner.run(second, never);
    const [before, after] = [bench.acknowledged(first), bench.acknowledged(second)];
    expect(totalBytes(before) + totalBytes(after)).toBe(DISK_BYTES);
    expect(bench.reports.at(-1)).toMatchObject({ kind: 'round-completed' });
    await bench.expectEqual();
  });

  it('is compared by the next round when the agent was killed in it', async () => {
    await bench.serve();
    const left = join(bench.folder, 'left');
    // What a killed process leaves behind: the files as they are in the middle of the round.
    breakWith(async () => {
      await cp(join(bench.folder, 'digests'), join(left, 'digests'), { recursive: true });
      await cp(join(bench.folder, 'round.json'), join(left, 'round.json'));
      bench.cable.cut();
    });
    await bench.runner().run(bench.assignment('full', 1), never);
    const successor = bench.runner(left);
    await successor.run(bench.assignment('full', 2), never);
    expect(bench.reports.at(-1)).toMatchObject({ kind: 'round-failed', code: 'ENDPOINT_RESTARTED' });

    await bench.serve();
    bench.reports.length = 0;
    await successor.run({ ...bench.assignment('full', 1), roundId: NEXT_ROUND_ID }, never);
    expect(bench.reports[0]).toMatchObject({ kind: 'link-established', comparison: 'rescan' });
    const end = bench.reports.at(-1);
    if (end?.kind !== 'round-completed') throw new Error(JSON.stringify(end));
    expect(end.disks).toMatchObject([{ baseline: 'kept' }]);
    expect(end.disks[0]?.sentBytes).toBeLessThanOrEqual(DISK_BYTES - BREAK_AFTER_BYTES);
    expect(end.taskId).toBe(TASK_ID);
    await bench.expectEqual();
  });

  it('reads all again in a final round, since the source went on meanwhile', async () => {
    const runner = bench.runner();
    await bench.serve();
    breakWith(() => {
      bench.cable.cut();
    });
    await runner.run(bench.assignment('final', 1), never);
    expect(bench.diary).toEqual(['hold', 'release']);
    const changed = await readFile(bench.source);
    randomBytes(MIB).copy(changed, 0);
    await writeFile(bench.source, changed);
    await bench.serve();
    await runner.run(bench.assignment('final', 2), never);
    expect(bench.diary).toEqual(['hold', 'release', 'hold', 'release']);
    expect(bench.reports.at(-1)).toMatchObject({ kind: 'round-completed' });
    await bench.expectEqual();
  });
});
