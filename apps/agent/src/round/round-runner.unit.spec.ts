import { DIGEST_BLOCK_BYTES, DigestTable, EndpointFailure, type SyncDiskOptions } from '#libs/block-transfer';
import { LinkClosedError, type ReportOutcome } from '#libs/endpoint-link';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine, FakeTracking, knownTable, LARGE, RESULT, SMALL } from './fake-machine.fake.js';
import { attemptId, fakeAssignment, fakeInventory, ROUND_ID, TASK_ID } from './round-fixture.fake.js';

const OF_ATTEMPT = { taskId: TASK_ID, roundId: ROUND_ID, assignmentId: attemptId(1) };
const ESTABLISHED = { kind: 'link-established', ...OF_ATTEMPT, comparison: 'all-blocks' };

describe('RoundRunner', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  const failure = (code: string): unknown => expect.objectContaining({ kind: 'round-failed', ...OF_ATTEMPT, code });

  it('connects, syncs one disk after the other, small ones first, and reports the whole', async () => {
    await machine.run('full');
    const steps = (id: string): string[] =>
      ['flush', 'map', 'begin', 'sync', 'end'].map((step) => `${step} ${id}`).concat(`close /dev/${id}`);
    expect(machine.diary).toEqual(['reach small', ...steps('small'), ...steps('large')]);
    const figures = {
      ...RESULT,
      comparison: 'all-blocks',
      baseline: 'none',
      digestBlockBytes: DIGEST_BLOCK_BYTES,
    };
    expect(machine.reports).toEqual([
      ESTABLISHED,
      {
        kind: 'round-completed',
        ...OF_ATTEMPT,
        disks: [
          { ...figures, diskId: 'small', diskBytes: SMALL.sizeBytes },
          { ...figures, diskId: 'large', diskBytes: LARGE.sizeBytes },
        ],
      },
    ]);
    expect(machine.state).toEqual({ state: 'ended', roundId: ROUND_ID, outcome: machine.reports[1] });
  });

  it.each(['incremental', 'full', 'final'] as const)('compares a %s round with what is kept', async (roundKind) => {
    const table = knownTable(SMALL.sizeBytes);
    machine.tables.set('small', { table, baseline: 'kept' });
    machine.tables.set('large', { table: null, baseline: 'lost' });
    await machine.run(roundKind);
    expect(machine.given.get('small')).toMatchObject({ baseline: table, digests: table });
    expect(machine.given.get('large')?.baseline).toBeNull();
    expect(machine.reports).toEqual([
      { ...ESTABLISHED, comparison: 'rescan', rescanReason: 'tracking-unavailable' },
      expect.objectContaining({
        disks: [expect.objectContaining({ baseline: 'kept' }), expect.objectContaining({ baseline: 'lost' })],
      }),
    ]);
  });

  describe('over a disk that is to be repaired', () => {
    const RANGE = { offsetBytes: 0, lengthBytes: DIGEST_BLOCK_BYTES };
    const runRepair = (attempt = 1): Promise<void> => {
      const assignment = fakeAssignment('final', [LARGE, SMALL], { attempt });
      const groupDigests = { host: '127.0.0.1', port: 10_810, exportName: 'groups' };
      const disks = assignment.disks.map((disk) => (disk.diskId === 'large' ? { ...disk, groupDigests } : disk));
      return machine.runner.run({ ...assignment, disks }, new AbortController().signal);
    };
    const disksOf = (report: unknown): unknown => (report as { readonly disks?: unknown }).disks;
    beforeEach(() => {
      for (const disk of [SMALL, LARGE]) {
        machine.tables.set(disk.diskId, { table: knownTable(disk.sizeBytes), baseline: 'kept' });
      }
      machine.differences = async () => [RANGE];
    });

    it('looks for what the target does not hold before anything is held, and tells which blocks it sent again', async () => {
      await runRepair();
      expect(machine.deeds.slice(0, 4)).toEqual([
        'reach small',
        'look for differences large',
        'hold small,large',
        'map small',
      ]);
      // Durable before the first block can be written.
      const looked = machine.diary.indexOf('look for differences large');
      expect([machine.diary[looked - 1], machine.diary[looked + 1]]).toEqual(['begin large', 'end large']);
      const [small, large] = disksOf(machine.reports.at(-1)) as unknown[];
      expect(small).not.toHaveProperty('repaired');
      expect(large).toMatchObject({ diskId: 'large', repaired: { blockCount: 1, ranges: [RANGE] } });
    });

    it('shows how far it has read back what may differ', async () => {
      const [plannedBytes, processedBytes] = [2 * DIGEST_BLOCK_BYTES, DIGEST_BLOCK_BYTES];
      machine.differences = async (tell) => {
        machine.beat();
        tell(plannedBytes, processedBytes);
        machine.beat();
        return [RANGE];
      };
      await runRepair();
      expect(machine.progress).toContainEqual(
        expect.objectContaining({
          activity: 'rescanning',
          disks: [expect.objectContaining({ plannedBytes, processedBytes, sentBytes: 0 }), expect.anything()],
        }),
      );
    });

    it('remembers over attempts what was found by one of them', async () => {
      machine.transfer = () => Promise.reject(new EndpointFailure('DATA_PATH_LOST', 'reset'));
      await runRepair();
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'link-lost' });
      machine.transfer = async () => undefined;
      const next = { offsetBytes: DIGEST_BLOCK_BYTES, lengthBytes: DIGEST_BLOCK_BYTES };
      machine.differences = async () => [next];
      await runRepair(2);
      expect(disksOf(machine.reports.at(-1))).toMatchObject([
        {},
        { repaired: { blockCount: 2, ranges: [{ offsetBytes: 0, lengthBytes: 2 * DIGEST_BLOCK_BYTES }] } },
      ]);
    });

    it('loses its link there as anywhere', async () => {
      machine.differences = () => Promise.reject(new EndpointFailure('DATA_PATH_LOST', 'reset'));
      await runRepair();
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'link-lost' });
      expect(machine.deeds).not.toContain('hold small,large');
    });

    it('looks for nothing where nothing is known of the target: all of it is sent', async () => {
      machine.tables.set('large', { table: null, baseline: 'lost' });
      await runRepair();
      expect(machine.diary).not.toContain('look for differences large');
      const [, large] = disksOf(machine.reports.at(-1)) as unknown[];
      expect(large).not.toHaveProperty('repaired');
    });
  });

  describe('over disks whose changes are tracked', () => {
    let tracked: FakeTracking;
    beforeEach(() => {
      for (const disk of [SMALL, LARGE]) {
        machine.tables.set(disk.diskId, { table: knownTable(disk.sizeBytes), baseline: 'kept' });
      }
      tracked = new FakeTracking(machine.diary);
      machine.changes = tracked;
      machine.restart();
    });

    it('reads what was written, and says so for the round and for each disk', async () => {
      await machine.run('incremental');
      for (const { diskId } of [SMALL, LARGE]) expect(machine.given.get(diskId)?.dirty).toBe(tracked.dirty.get(diskId));
      const disk = { comparison: 'tracked' };
      expect(machine.reports).toMatchObject([{ comparison: 'tracked' }, { disks: [disk, disk] }]);
      const taking = (id: string): string[] => [`map ${id}`, `take ${id}`, `sync ${id}`, `complete ${id}`];
      expect(machine.deeds).toEqual(['follow', 'reach small', ...taking('small'), ...taking('large')]);
    });

    it('takes what was written only after the file systems are at rest and all of it has been seen', async () => {
      await machine.run('final');
      const settled = machine.diary.indexOf('settle');
      expect(settled).toBe(machine.diary.indexOf('hold small,large') + 1);
      expect(machine.diary.indexOf('take small')).toBeGreaterThan(settled);
    });

    it('gives back what a round did not come to an end with', async () => {
      machine.transfer = async () => Promise.reject(new EndpointFailure('TARGET_WRITE_FAILED', 'broken'));
      await machine.run('incremental');
      expect(machine.diary).toContain('give back small');
      expect(machine.diary).not.toContain('complete small');
    });

    it('compares all disks by name of the one that has to be', async () => {
      tracked.standings.set('large', { comparison: 'rescan', reason: 'events-lost' });
      await machine.run('incremental');
      expect(machine.reports).toMatchObject([
        { comparison: 'rescan', rescanReason: 'events-lost' },
        { disks: [{ comparison: 'tracked' }, { comparison: 'rescan', rescanReason: 'events-lost' }] },
      ]);
    });

    it('sends all blocks where nothing is known of the target', async () => {
      machine.tables.clear();
      await machine.run('incremental');
      expect(machine.reports).toMatchObject([
        { comparison: 'all-blocks' },
        { disks: [{ comparison: 'all-blocks' }, {}] },
      ]);
    });
  });

  it('compares with the table of any disk, not the first one alone', async () => {
    machine.tables.set('large', { table: knownTable(LARGE.sizeBytes), baseline: 'kept' });
    await machine.run('full');
    expect(machine.reports[0]).toMatchObject({ comparison: 'rescan' });
  });

  it('takes a table that says nothing for none', async () => {
    machine.tables.set('small', { table: DigestTable.unknown(SMALL.sizeBytes, 'blake3'), baseline: 'kept' });
    await machine.run('full');
    expect(machine.given.get('small')?.baseline).toBeNull();
    expect(machine.reports).toMatchObject([{ comparison: 'all-blocks' }, { disks: [{ baseline: 'none' }, {}] }]);
  });

  describe('which acknowledged blocks before it failed', () => {
    const block = (index: number) => ({
      offsetBytes: index * DIGEST_BLOCK_BYTES,
      lengthBytes: DIGEST_BLOCK_BYTES,
    });
    const told = (index: number) => ({
      kind: 'ranges-acknowledged',
      ...OF_ATTEMPT,
      diskId: 'large',
      ranges: [block(index)],
    });
    let answers: (() => void)[];

    beforeEach(() => {
      answers = [];
      machine.transfer = async ({ diskId, onAcknowledged }) => {
        if (diskId === 'small') return;
        onAcknowledged?.([block(0)]);
        onAcknowledged?.([block(1)]);
        throw new EndpointFailure('TARGET_WRITE_FAILED', 'broken');
      };
      machine.answer = async ({ kind }) => {
        if (kind === 'ranges-acknowledged') await new Promise<void>((resolve) => answers.push(resolve));
        return 'acknowledged';
      };
    });

    it('reports them one after the other, then its end, which is noted before', async () => {
      const running = machine.run('full');
      await expect.poll(() => machine.state?.state).toBe('ended');
      expect(machine.reports).toEqual([ESTABLISHED, told(0)]);
      answers[0]?.();
      await expect.poll(() => answers.length).toBe(2);
      expect(machine.reports.slice(2)).toEqual([told(1)]);
      answers[1]?.();
      await running;
      expect(machine.reports.slice(3)).toEqual([failure('TARGET_WRITE_FAILED')]);
    });

    it('does not wait for their answers when the server has turned to something else, and tells them all the same', async () => {
      const abort = new AbortController();
      const running = machine.run('full', abort.signal);
      await expect.poll(() => machine.state?.state).toBe('ended');
      abort.abort();
      await running;
      expect(machine.reports).toEqual([ESTABLISHED, told(0)]);
      answers[0]?.();
      await expect.poll(() => machine.reports.length).toBe(3);
      expect(machine.reports.at(-1)).toEqual(told(1));
    });
  });

  it('saves what is known and closes the disk after a failure, and reports its code', async () => {
    machine.transfer = async () => {
      throw new EndpointFailure('TARGET_DISK_FULL', 'no room');
    };
    await machine.run('full');
    expect(machine.diary.slice(-2)).toEqual(['end small', 'close /dev/small']);
    expect(machine.reports).toEqual([ESTABLISHED, failure('TARGET_DISK_FULL')]);
  });

  it('touches nothing when it cannot know or note which round it works on, and reports why', async () => {
    machine.stateRefusal = new EndpointFailure('DIGEST_TABLE_FAILED', 'no space left on device');
    await machine.run('full');
    expect(machine.diary).toEqual([]);
    expect(machine.reports).toEqual([failure('DIGEST_TABLE_FAILED')]);
  });

  it('reports a programming error as such', async () => {
    machine.transfer = async () => {
      throw new TypeError('oops');
    };
    await machine.run('full');
    expect(machine.reports).toEqual([ESTABLISHED, failure('INTERNAL_ERROR')]);
  });

  it('fails when digests cannot be stored, but not in the place of what went wrong before', async () => {
    machine.endJournal = async () => {
      throw new Error('no space left on device');
    };
    await machine.run('full');
    expect(machine.reports).toEqual([ESTABLISHED, failure('INTERNAL_ERROR')]);

    const other = new FakeMachine();
    other.endJournal = machine.endJournal;
    other.transfer = async () => {
      throw new EndpointFailure('TARGET_DISK_FULL', 'no room');
    };
    await other.run('full');
    expect(other.reports).toEqual([ESTABLISHED, failure('TARGET_DISK_FULL')]);
  });

  it('refuses a disk of another size before anything is touched', async () => {
    machine.inventory = fakeInventory([LARGE, { ...SMALL, sizeBytes: 1 }]);
    await machine.run('full');
    expect(machine.diary).toEqual([]);
    expect(machine.reports).toEqual([failure('SOURCE_DISK_CHANGED')]);
  });

  it('is in hand until its outcome is answered', async () => {
    let answer: (outcome: ReportOutcome) => void = () => undefined;
    machine.answer = () => new Promise((resolve) => (answer = resolve));
    let over = false;
    const running = machine.run('full').then(() => (over = true));
    await expect.poll(() => machine.reports.length).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    answer('acknowledged');
    await running;
  });

  it('ends in peace when the channel closes before its reports are answered', async () => {
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
      ['waiting-for-link', 0, 0],
      ['flushing', 4, 4],
    ]);
    expect(machine.progress[0]).toMatchObject({ taskId: TASK_ID, assignmentId: attemptId(1) });
  });

  it.each([
    ['kept', 'rescanning'],
    ['none', 'transferring'],
  ] as const)('with a table that is %s, its progress says: %s', async (baseline, activity) => {
    machine.tables.set('small', { table: baseline === 'kept' ? knownTable(SMALL.sizeBytes) : null, baseline });
    machine.transfer = async ({ diskId, onProgress }) => {
      if (diskId !== 'small') return;
      machine.beat();
      onProgress?.({
        activity: 'transferring',
        plannedBytes: 4,
        processedBytes: 1,
        sentBytes: 0,
        acknowledgedBytes: 0,
      });
      machine.beat();
    };
    await machine.run('full');
    expect(machine.progress.map((told) => told.activity)).toEqual([
      'waiting-for-link',
      'mapping',
      activity,
      'flushing',
    ]);
  });

  it('tells the pace, and how long the round will take by it', async () => {
    await machine.run('full');
    // Two disks of which nothing is known, at one byte per second from the storage.
    const all = SMALL.sizeBytes + LARGE.sizeBytes;
    expect(machine.progress[0]?.pace).toMatchObject({ limitedBy: 'storage', remainingMs: all * 1000 });
    expect(machine.progress.at(-1)?.pace).toMatchObject({ remainingMs: 0 });
  });

  describe('with several disks at once', () => {
    beforeEach(() => {
      machine.disksAtOnce = 2;
      machine.restart();
    });

    /** Every transfer waits for the others, or for its signal. */
    const untilAllAreAtWork = (count: number, then: (options: SyncDiskOptions) => Promise<void>): void => {
      let atWork = 0;
      let go = (): void => undefined;
      const all = new Promise<void>((resolve) => (go = resolve));
      machine.transfer = async (options) => {
        atWork += 1;
        if (atWork === count) go();
        await all;
        await then(options);
      };
    };

    it('works on them side by side, with one set of buffers, each by its own pace', async () => {
      untilAllAreAtWork(2, async () => undefined);
      await machine.run('full');
      expect(machine.reports[1]).toMatchObject({ kind: 'round-completed', disks: [{}, {}] });
      const [small, large] = [machine.given.get('small'), machine.given.get('large')];
      expect(small?.buffers).toBeDefined();
      expect(small?.buffers).toBe(large?.buffers);
      expect(small?.pace).not.toBe(large?.pace);
      expect(machine.paced).toEqual([
        ['/dev/small', false],
        ['/dev/large', false],
      ]);
    });

    it('ends the others with the first that fails, and reports its reason', async () => {
      untilAllAreAtWork(2, async ({ diskId, signal }) => {
        if (diskId === 'large') throw new EndpointFailure('TARGET_DISK_FULL', 'no room');
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      });
      await machine.run('full');
      expect(machine.reports).toEqual([ESTABLISHED, failure('TARGET_DISK_FULL')]);
      expect(machine.diary.filter((line) => /^(end|close)/.test(line)).sort()).toEqual([
        'close /dev/large',
        'close /dev/small',
        'end large',
        'end small',
      ]);
    });

    it('says what the busiest disk does', async () => {
      untilAllAreAtWork(2, async ({ diskId, onProgress }) => {
        const standing = { plannedBytes: 4, processedBytes: 1, sentBytes: 0, acknowledgedBytes: 0 };
        onProgress?.({ activity: diskId === 'small' ? 'transferring' : 'flushing', ...standing });
        await new Promise((resolve) => setImmediate(resolve));
        machine.beat();
      });
      await machine.run('full');
      expect(machine.progress.map(({ activity }) => activity)).toContain('transferring');
      expect(machine.progress.at(-1)?.activity).toBe('flushing');
    });

    it('lets go of a held source when the last of them is read, whichever that is', async () => {
      let endSmall = (): void => undefined;
      const smallMayEnd = new Promise<void>((resolve) => (endSmall = resolve));
      machine.transfer = ({ diskId }) => (diskId === 'small' ? smallMayEnd : Promise.resolve());
      machine.afterTransfer = () => {
        machine.diary.push('written');
        endSmall();
      };
      await machine.run('final');
      expect(machine.deeds.filter((line) => !line.startsWith('map'))).toEqual([
        'reach small',
        'hold small,large',
        'sync small',
        'sync large',
        'written',
        'release',
        'written',
      ]);
      expect(machine.paced.map(([, isHeld]) => isHeld)).toEqual([true, true]);
    });
  });

  describe('a final round', () => {
    it('connects, then reads all disks while all are held, and lets go when the last is read', async () => {
      machine.afterTransfer = () => machine.diary.push('written');
      await machine.run('final');
      expect(machine.deeds).toEqual([
        'reach small',
        'hold small,large',
        'map small',
        'sync small',
        'written',
        'map large',
        'sync large',
        'release',
        'written',
      ]);
      expect(machine.reports[1]).toMatchObject({ kind: 'round-completed' });
    });

    it.each([
      ['incremental', false],
      ['final', true],
    ] as const)('says of which file systems a map is read while they are held: %s', async (roundKind, held) => {
      await machine.run(roundKind);
      const isHeld = machine.mapOptions.map((options) => ['/held', '/other'].map((path) => options.isHeld?.(path)));
      expect(isHeld).toEqual([
        [held, false],
        [held, false],
      ]);
    });

    it('fails rather than claim one moment when the hold did not last until the end', async () => {
      machine.heldUntilRelease = false;
      await machine.run('final');
      expect(machine.reports).toEqual([ESTABLISHED, failure('SOURCE_READ_FAILED')]);
    });

    const holdEndsBeforeItIsRead = (): void => {
      machine.transfer = ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
          machine.lost.abort(new EndpointFailure('SOURCE_READ_FAILED', 'too long'));
        });
    };

    it('stops reading at once when the hold is lost, and lets go', async () => {
      holdEndsBeforeItIsRead();
      await machine.run('final');
      expect(machine.reports[1]).toMatchObject({ code: 'SOURCE_READ_FAILED', detail: 'too long' });
      expect(machine.diary.filter((line) => line === 'release')).toHaveLength(1);
    });

    it('takes a hold that ended for a lost link when the target is out of reach', async () => {
      holdEndsBeforeItIsRead();
      machine.reach = async () => {
        if (machine.lost.signal.aborted) throw new EndpointFailure('DATA_PATH_LOST', 'no answer');
      };
      await machine.run('final');
      expect(machine.reports[1]).toMatchObject({ kind: 'link-lost', detail: 'no answer' });
    });

    it('does not wait for a silent target for as long as file systems may be held', async () => {
      await machine.run('final');
      expect(machine.given.get('small')?.timeouts?.replyTimeoutMs).toBe(30_000);
    });

    it('lets go when a disk cannot be written', async () => {
      machine.transfer = async () => {
        throw new EndpointFailure('TARGET_WRITE_FAILED', 'broken');
      };
      await machine.run('final');
      expect(machine.diary.slice(-3)).toEqual(['release', 'leave small', 'leave large']);
      expect(machine.reports).toEqual([ESTABLISHED, failure('TARGET_WRITE_FAILED')]);
    });
  });
});
