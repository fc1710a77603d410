import { openSourceDisk, startNbdkit, usedBlocksOf, type NbdkitServer } from '#libs/block-transfer';
import type { Disk, EndpointReport, RoundKind, SyncRoundAssignment } from '#libs/contracts';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../simulation/world/random.js';
import { BusyWriter } from './busy-writer.js';
import { MountedDisk } from './mounted-disk.js';
import { INSTANCES, removeRecording, WorkerProcess } from './worker-process.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 48 * MIB;
const TASK_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2b001';
/** A final round, and a comparison of source and target, after so many rounds. */
const COMPARE_EVERY = 8;
/** A fault comes at most so long after the round has begun to read. */
const FAULT_AFTER_MS = 120;
const SMALL_BUFFER_KIB = 8;

export interface CampaignSettings {
  readonly seed: number;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** How many rounds went how. */
export type Tally = Record<string, number>;

type Fault = 'none' | 'agent killed' | 'target killed' | 'events lost' | 'recording stopped' | 'agent restarted';

/**
 * Rounds over a disk that is written all the time, with faults between and within them; every few rounds a final one,
 * and a comparison of source and target. Needs root. Throws at the first difference.
 */
export async function playCampaign({ seed, rounds, say }: CampaignSettings): Promise<Tally> {
  const campaign = await Campaign.begin(seed);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await campaign.round();
      const compares = round % COMPARE_EVERY === 0 || round === rounds;
      if (compares) await campaign.compare();
      if (compares) say(`round ${round} of ${rounds}, seed ${seed}: equal; ${JSON.stringify(campaign.tally)}`);
    }
    return campaign.tally;
  } finally {
    await campaign.end();
  }
}

class Campaign {
  readonly tally: Tally = {};
  private readonly random: Random;
  private readonly writer: BusyWriter;
  private readonly traceName: string;
  private worker: WorkerProcess | null = null;
  private rounds = 0;

  private constructor(
    private readonly disk: MountedDisk,
    seed: number,
  ) {
    this.random = new Random(seed, 'rounds');
    this.writer = new BusyWriter(disk, new Random(seed, 'writes'));
    this.traceName = `landfall-rounds-${process.pid}`;
  }

  static async begin(seed: number): Promise<Campaign> {
    const disk = await MountedDisk.create(DISK_BYTES);
    const campaign = new Campaign(disk, seed);
    await mkdir(join(campaign.folder, 'digests'), { recursive: true });
    await writeFile(campaign.target, '');
    await truncate(campaign.target, DISK_BYTES);
    return campaign;
  }

  /** An incremental round (the first is a full one in effect) under a writer, with at most one fault. */
  async round(): Promise<void> {
    const fault = this.drawFault();
    if (fault === 'agent restarted') await this.dropWorker();
    await this.writer.write(this.random.integer(0, 12));
    this.writer.start();
    try {
      await this.attempt('incremental', fault);
    } finally {
      await this.writer.stop();
    }
  }

  /** The source is left alone, a final round completes, and both disks are compared. */
  async compare(): Promise<void> {
    await this.writer.write(3);
    // Mounted, and frozen while it is read: the target's file system holds the same files, and is clean.
    await this.complete('final');
    if ((await this.disk.treeOfCopy(this.target)) !== (await this.disk.tree()))
      throw new Error('the files of the target are not those of the source');
    // Unmounted, so that nothing at all changes any more: byte for byte.
    await this.writer.write(3);
    await this.disk.unmount();
    try {
      await this.complete('final');
      await this.compareBytes();
    } finally {
      await this.disk.mount();
    }
  }

  async end(): Promise<void> {
    await this.dropWorker();
    await removeRecording(this.traceName);
    await this.disk.dispose();
  }

  private get folder(): string {
    return join(this.disk.folder, 'agent');
  }

  private get target(): string {
    return join(this.disk.folder, 'target.img');
  }

  private async complete(kind: RoundKind): Promise<void> {
    const ended = await this.attempt(kind, 'none');
    if (ended?.kind !== 'round-completed')
      throw new Error(`a ${kind} round did not complete: ${JSON.stringify(ended)}`);
  }

  private async attempt(roundKind: RoundKind, fault: Fault): Promise<EndpointReport | null> {
    const worker = await this.workerFor(fault);
    const server = await startNbdkit({ path: this.target, host: '127.0.0.1' });
    const present = this.disk.describe();
    let faulting: Promise<void> = Promise.resolve();
    try {
      const reports = await worker.work(this.assignment(roundKind, present, server), [present], () => {
        faulting = this.bring(fault, worker, server);
      });
      await faulting;
      return this.count(roundKind, fault, reports);
    } finally {
      await server.close();
      if (!worker.isAlive) this.worker = null;
    }
  }

  private async bring(fault: Fault, worker: WorkerProcess, server: NbdkitServer): Promise<void> {
    await delay(this.random.integer(0, FAULT_AFTER_MS));
    if (fault === 'agent killed') await worker.kill();
    else if (fault === 'target killed') await server.close();
    else if (fault === 'recording stopped') await this.stopRecording();
  }

  /** Somebody turns the recording off. */
  private async stopRecording(): Promise<void> {
    await writeFile(join(INSTANCES, this.traceName, 'tracing_on'), '0').catch(() => undefined);
  }

  private drawFault(): Fault {
    const faults: Fault[] = ['agent killed', 'target killed', 'events lost', 'recording stopped', 'agent restarted'];
    return this.random.happens(0.7) ? 'none' : this.random.pick(faults);
  }

  /** With a buffer so small that events are lost now and then, when that is the fault; for this round and those after it. */
  private async workerFor(fault: Fault): Promise<WorkerProcess> {
    if (fault === 'events lost') await this.dropWorker();
    const buffer = fault === 'events lost' ? SMALL_BUFFER_KIB : null;
    return (this.worker ??= await WorkerProcess.start(this.folder, this.traceName, buffer));
  }

  private async dropWorker(): Promise<void> {
    await this.worker?.kill();
    this.worker = null;
  }

  private assignment(
    roundKind: RoundKind,
    { diskId, device, sizeBytes }: Disk,
    server: NbdkitServer,
  ): SyncRoundAssignment {
    this.rounds += 1;
    const roundId = `6f3fb0f4-9f0b-4a5e-a9cf-${String(this.rounds).padStart(12, '0')}`;
    const disks = [{ diskId, device, sizeBytes, export: server.export }];
    return {
      kind: 'sync-round',
      assignmentId: roundId,
      taskId: TASK_ID,
      roundId,
      attempt: 1,
      roundKind,
      resend: false,
      digestAlgorithm: 'blake3',
      disks,
    };
  }

  private count(roundKind: RoundKind, fault: Fault, reports: readonly EndpointReport[]): EndpointReport | null {
    const last = reports.at(-1) ?? null;
    const outcome = last?.kind === 'round-completed' ? (last.disks[0]?.comparison ?? 'unknown') : 'broken off';
    for (const name of [`${roundKind} ${outcome}`, fault]) this.tally[name] = (this.tally[name] ?? 0) + 1;
    return last;
  }

  private async compareBytes(): Promise<void> {
    const { extents } = await usedBlocksOf(this.disk.describe());
    const target = await readFile(this.target);
    const wanted = Buffer.alloc(DISK_BYTES);
    const source = await openSourceDisk(this.disk.device);
    try {
      for (const { offsetBytes, lengthBytes } of extents) {
        await source.read(wanted.subarray(offsetBytes, offsetBytes + lengthBytes), offsetBytes);
      }
    } finally {
      await source.close();
    }
    if (!target.equals(wanted))
      throw new Error(`source and target differ from byte ${firstDifference(target, wanted)} on`);
  }
}

function firstDifference(one: Buffer, other: Buffer): number {
  return one.findIndex((byte, place) => byte !== other[place]);
}
