import { startNbdkit } from '#libs/block-transfer';
import type { DiskRoundResult, RoundKind } from '#libs/contracts';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Random } from '../../simulation/world/random.js';
import { MountedDisk } from './mounted-disk.js';
import { expectOneMoment, MutteringWriter } from './muttering-writer.js';
import { removeRecording, WorkerProcess } from './worker-process.js';

const GIB = 1024 ** 3;
/** Nothing is left for the kernel to write by itself later on. */
const MKFS = ['-N', '4096', '-J', 'size=16', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
const TASK_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2b002';
/** Of so many rounds that read their source only once, one and another leaves a record that never was. */
const FINAL_ROUNDS = 10;
const MAX_PAUSE_MS = 900;
const LIMIT_MS = 600_000;
const TRACE_NAME = `landfall-unfrozen-${process.pid}`;

let disk: MountedDisk;
let worker: WorkerProcess;
let target: string;
let rounds = 0;

async function begin(diskBytes: number): Promise<void> {
  disk = await MountedDisk.create(diskBytes, MKFS);
  target = join(disk.folder, 'target.img');
  await writeFile(target, '');
  await truncate(target, diskBytes);
  // As on most machines: what the agent writes is on the disk that it copies, so the file system cannot be frozen.
  const folder = join(disk.mountPoint, 'agent');
  await mkdir(join(folder, 'digests'), { recursive: true });
  worker = await WorkerProcess.start(folder, TRACE_NAME, null);
}

afterEach(async () => {
  await worker.kill();
  await removeRecording(TRACE_NAME);
  await disk.dispose();
});

async function runRound(roundKind: RoundKind): Promise<DiskRoundResult> {
  rounds += 1;
  const roundId = `6f3fb0f4-9f0b-4a5e-a9cf-${String(rounds).padStart(12, '0')}`;
  const server = await startNbdkit({ path: target, host: '127.0.0.1' });
  try {
    const present = disk.describe();
    const { diskId, device, sizeBytes } = present;
    const assignment = {
      ...({ kind: 'sync-round', assignmentId: roundId, taskId: TASK_ID, roundId, attempt: 1, roundKind } as const),
      ...{ resend: false, digestAlgorithm: 'blake3' as const },
      disks: [{ diskId, device, sizeBytes, export: server.export }],
    };
    const last = (await worker.work(assignment, [present], () => undefined)).at(-1);
    const result = last?.kind === 'round-completed' ? last.disks[0] : undefined;
    if (result === undefined) throw new Error(`${JSON.stringify(last)}; ${worker.log.join('; ')}`);
    return result;
  } finally {
    await server.close();
  }
}

// The digests of the larger one do not all fit into memory.
it.each([0.25 * GIB, 12 * GIB])(
  'leaves a target that is of one moment, where a file system of %i bytes that is written to cannot be frozen',
  async (diskBytes) => {
    await begin(diskBytes);
    const writer = new MutteringWriter(disk.mountPoint, new Random(6, 'writes'), MAX_PAUSE_MS);
    writer.start();
    const seen = new Set<DiskRoundResult['stillness']>();
    try {
      // The first final round has a full one's work to do, and one of a source that is followed afterwards.
      for (let round = 0; round < FINAL_ROUNDS; round += 1) {
        const { stillness } = await runRound('final');
        seen.add(stillness);
        if (stillness === 'unwritten') await disk.afterJournalOf(target, expectOneMoment);
      }
    } finally {
      await writer.stop();
    }
    // On a slow machine there may be rounds that find it never at rest.
    expect(seen).toContain('unwritten');
    expect(seen).not.toContain('frozen');
  },
  LIMIT_MS,
);
