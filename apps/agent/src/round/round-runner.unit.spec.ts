import {
  DIGEST_BLOCK_BYTES,
  DigestTable,
  EndpointFailure,
  type SyncDiskOptions,
  type SyncDiskResult,
} from '#libs/block-transfer';
import type { Disk, EndpointProgress, EndpointReport, MachineInventory } from '#libs/contracts';
import { LinkClosedError, type ReportOutcome } from '#libs/endpoint-link';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HeldFileSystems } from '../quiesce/hold-file-systems.js';
import { fakeAssignment, fakeDisk, fakeInventory, ROUND_ID, TASK_ID } from './round-fixture.fake.js';
import { RoundRunner } from './round-runner.js';
import type { RoundState } from './round-state.file.js';
import type { DigestTableStore } from './round.ports.js';

const SMALL = fakeDisk('small', DIGEST_BLOCK_BYTES, '/small');
const LARGE = fakeDisk('large', 2 * DIGEST_BLOCK_BYTES, '/large');
const RESULT: SyncDiskResult = {
  usedBytes: 4,
  readBytes: 4,
  sentBytes: 3,
  zeroedBytes: 2,
  durationMs: 1,
  rootDigest: 'ab'.repeat(32),
};

/** A machine in memory; everything that is done to it is written in `diary`. */
class FakeMachine {
  readonly diary: string[] = [];
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  readonly tables = new Map<string, { table: DigestTable | null; baseline: 'none' | 'kept' | 'lost' }>();
  readonly given = new Map<string, SyncDiskOptions>();
  inventory: MachineInventory = fakeInventory([LARGE, SMALL]);
  state: RoundState | null = null;
  readonly lost = new AbortController();
  heldUntilRelease = true;
  answer: () => Promise<ReportOutcome> = async () => 'acknowledged';
  transfer: (options: SyncDiskOptions) => Promise<void> = async () => undefined;
  afterTransfer: () => void = () => undefined;

  readonly runner = new RoundRunner({
    collectInventory: async () => this.inventory,
    usedBlocksOf: async (disk: Disk) => {
      this.diary.push(`map ${disk.diskId}`);
      return { diskBytes: disk.sizeBytes, usedBytes: 4, extents: [{ offsetBytes: 0, lengthBytes: 4 }] };
    },
    openSourceDisk: async (device) => ({
      sizeBytes: 0,
      read: async () => undefined,
      close: async () => void this.diary.push(`close ${device}`),
    }),
    syncDisk: async (options) => {
      this.diary.push(`sync ${options.diskId}`);
      this.given.set(options.diskId, options);
      await this.transfer(options);
      options.onProgress?.({
        activity: 'flushing',
        plannedBytes: 4,
        processedBytes: 4,
        sentBytes: 3,
        acknowledgedBytes: 3,
      });
      this.afterTransfer();
      return RESULT;
    },
    digestTables: { prepare: async () => undefined, of: (taskId, diskId) => this.#store(taskId, diskId) },
    quiesce: {
      flush: async (disks) => void this.diary.push(`flush ${disks.map((disk) => disk.diskId).join()}`),
      hold: async (disks) => {
        this.diary.push(`hold ${disks.map((disk) => disk.diskId).join()}`);
        return this.#held();
      },
    },
    state: {
      read: async () => this.state,
      write: async (state) => {
        this.state = state;
      },
    },
    report: async (report) => {
      this.reports.push(report);
      return this.answer();
    },
    progress: (progress) => this.progress.push(progress),
    scheduler: { nowMs: () => 0, after: () => () => undefined },
    now: () => new Date(0),
    log: () => undefined,
  });

  run(kind: 'full' | 'incremental' | 'final', signal = new AbortController().signal): Promise<void> {
    return this.runner.run(fakeAssignment(kind, [LARGE, SMALL]), signal);
  }

  #held(): HeldFileSystems {
    return {
      lost: this.lost.signal,
      release: async () => {
        this.diary.push('release');
        return this.heldUntilRelease;
      },
    };
  }

  #store(taskId: string, diskId: string): DigestTableStore {
    return {
      load: async ({ generation }) => {
        expect(generation).toBe(taskId);
        return this.tables.get(diskId) ?? { table: null, baseline: 'none' };
      },
      markDirty: async () => void this.diary.push(`dirty ${diskId}`),
      save: async (table) => {
        this.diary.push(`save ${diskId}`);
        this.tables.set(diskId, { table, baseline: 'kept' });
      },
    };
  }
}

describe('RoundRunner', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  const failure = (code: string): unknown =>
    expect.objectContaining({ kind: 'round-failed', taskId: TASK_ID, assignmentId: ROUND_ID, code });

  it('syncs one disk after the other, small ones first, and reports the whole', async () => {
    await machine.run('full');
    const steps = (id: string): string[] =>
      ['flush', 'map', 'dirty', 'sync', 'save'].map((step) => `${step} ${id}`).concat(`close /dev/${id}`);
    expect(machine.diary).toEqual([...steps('small'), ...steps('large')]);
    const figures = {
      ...RESULT,
      baseline: 'none',
      digestAlgorithm: 'sha256',
      digestBlockBytes: DIGEST_BLOCK_BYTES,
    };
    expect(machine.reports).toEqual([
      {
        kind: 'round-completed',
        taskId: TASK_ID,
        assignmentId: ROUND_ID,
        disks: [
          { ...figures, diskId: 'small', diskBytes: SMALL.sizeBytes },
          { ...figures, diskId: 'large', diskBytes: LARGE.sizeBytes },
        ],
      },
    ]);
    expect(machine.state).toEqual({ state: 'ended', assignmentId: ROUND_ID, outcome: machine.reports[0] });
  });

  it('compares an incremental round with the kept digests, a full one with nothing', async () => {
    const table = DigestTable.unknown(SMALL.sizeBytes);
    machine.tables.set('small', { table, baseline: 'kept' });
    machine.tables.set('large', { table: null, baseline: 'lost' });
    await machine.run('incremental');
    expect(machine.given.get('small')?.baseline).toBe(table);
    expect(machine.given.get('large')?.baseline).toBeNull();
    expect(machine.reports[0]).toMatchObject({ disks: [{ baseline: 'kept' }, { baseline: 'lost' }] });

    const other = new FakeMachine();
    other.tables.set('small', { table, baseline: 'kept' });
    await other.run('full');
    expect(other.given.get('small')?.baseline).toBeNull();
    expect(other.reports[0]).toMatchObject({ disks: [{ baseline: 'none' }, { baseline: 'none' }] });
  });

  it('reports acknowledged ranges before the end of the round, also when it fails', async () => {
    machine.transfer = async (options) => {
      options.onAcknowledged?.([{ offsetBytes: 0, lengthBytes: 1 }]);
      options.onAcknowledged?.([{ offsetBytes: 1, lengthBytes: 1 }]);
      throw new EndpointFailure('DATA_PATH_LOST', 'the link broke');
    };
    machine.answer = () => new Promise(() => undefined);
    const abort = new AbortController();
    const running = machine.run('full', abort.signal);
    await expect.poll(() => machine.reports.length).toBe(3);
    expect(machine.reports.map((report) => report.kind)).toEqual([
      'ranges-acknowledged',
      'ranges-acknowledged',
      'round-failed',
    ]);
    abort.abort();
    await running;
  });

  it('saves what is known and closes the disk after a failure, and reports its code', async () => {
    machine.transfer = async () => {
      throw new EndpointFailure('TARGET_DISK_FULL', 'no room');
    };
    await machine.run('full');
    expect(machine.diary.slice(-2)).toEqual(['save small', 'close /dev/small']);
    expect(machine.reports).toEqual([failure('TARGET_DISK_FULL')]);
  });

  it('reports a programming error as such', async () => {
    machine.transfer = async () => {
      throw new TypeError('oops');
    };
    await machine.run('full');
    expect(machine.reports).toEqual([failure('INTERNAL_ERROR')]);
  });

  it('refuses a disk of another size before anything is touched', async () => {
    machine.inventory = fakeInventory([LARGE, { ...SMALL, sizeBytes: 1 }]);
    await machine.run('full');
    expect(machine.diary).toEqual([]);
    expect(machine.reports).toEqual([failure('SOURCE_DISK_CHANGED')]);
  });

  it('says nothing about a round that was given up, and keeps its digests', async () => {
    const abort = new AbortController();
    machine.transfer = async ({ signal }) => {
      abort.abort();
      signal?.throwIfAborted();
    };
    await machine.run('full', abort.signal);
    expect(machine.reports).toEqual([]);
    expect(machine.diary).toContain('save small');
    expect(machine.state).toEqual({ state: 'running', assignmentId: ROUND_ID });
  });

  it('does not start over what an earlier process had begun', async () => {
    machine.state = { state: 'running', assignmentId: ROUND_ID };
    await machine.run('full');
    await machine.run('full');
    expect(machine.diary).toEqual([]);
    expect(machine.reports).toEqual([failure('ENDPOINT_RESTARTED'), failure('ENDPOINT_RESTARTED')]);
  });

  it('repeats the outcome of a round that an earlier process had ended', async () => {
    await machine.run('full');
    const successor = new FakeMachine();
    successor.state = machine.state;
    await successor.run('full');
    expect(successor.diary).toEqual([]);
    expect(successor.reports).toEqual(machine.reports);
  });

  it('is in hand until its outcome is answered', async () => {
    let answer: (outcome: ReportOutcome) => void = () => undefined;
    machine.answer = () => new Promise((resolve) => (answer = resolve));
    let over = false;
    const running = machine.run('full').then(() => (over = true));
    await expect.poll(() => machine.reports.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    answer('acknowledged');
    await running;
  });

  it('ends in peace when the link closes before the outcome is answered', async () => {
    machine.answer = async () => {
      throw new LinkClosedError('closed');
    };
    await expect(machine.run('full')).resolves.toBeUndefined();
  });

  it('tells its progress at the beginning and at the end', async () => {
    await machine.run('full');
    expect(
      machine.progress.map(({ activity, disks }) => [activity, ...disks.map((disk) => disk.processedBytes)]),
    ).toEqual([
      ['mapping', 0, 0],
      ['flushing', 4, 4],
    ]);
  });

  describe('a final round', () => {
    it('reads all disks while all are held, and lets go when the last is read', async () => {
      machine.afterTransfer = () => machine.diary.push('written');
      await machine.run('final');
      expect(machine.diary.filter((line) => !/^(dirty|save|close)/.test(line))).toEqual([
        'hold small,large',
        'map small',
        'sync small',
        'written',
        'map large',
        'sync large',
        'release',
        'written',
      ]);
      expect(machine.reports[0]).toMatchObject({ kind: 'round-completed' });
    });

    it('fails rather than claim one moment when the hold did not last until the end', async () => {
      machine.heldUntilRelease = false;
      await machine.run('final');
      expect(machine.reports).toEqual([failure('SOURCE_READ_FAILED')]);
    });

    it('stops reading at once when the hold is lost, and lets go', async () => {
      machine.transfer = ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
          machine.lost.abort(new EndpointFailure('SOURCE_READ_FAILED', 'too long'));
        });
      await machine.run('final');
      expect(machine.reports).toEqual([expect.objectContaining({ code: 'SOURCE_READ_FAILED', detail: 'too long' })]);
      expect(machine.diary.filter((line) => line === 'release')).toHaveLength(1);
    });

    it('lets go when a disk cannot be written', async () => {
      machine.transfer = async () => {
        throw new EndpointFailure('TARGET_WRITE_FAILED', 'broken');
      };
      await machine.run('final');
      expect(machine.diary.at(-1)).toBe('release');
      expect(machine.reports).toEqual([failure('TARGET_WRITE_FAILED')]);
    });
  });
});
