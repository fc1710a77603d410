import { DIGEST_BLOCK_BYTES, EndpointFailure, type SyncDiskOptions } from '#libs/block-transfer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeMachine, knownTable, LARGE, SMALL } from './fake-machine.fake.js';
import { attemptId, fakeInventory, ROUND_ID, TASK_ID } from './round-fixture.fake.js';

const ofAttempt = (attempt: number): object => ({
  taskId: TASK_ID,
  roundId: ROUND_ID,
  assignmentId: attemptId(attempt),
});
const NEXT_ROUND_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a009';
const lost = async (): Promise<void> => {
  throw new EndpointFailure('DATA_PATH_LOST', 'the link broke');
};
const lostIn =
  (wanted: string) =>
  async ({ diskId }: SyncDiskOptions): Promise<void> =>
    diskId === wanted ? lost() : undefined;
const fine = async (): Promise<void> => undefined;

describe('the attempts of a round', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  const kinds = (): string[] => machine.reports.map((report) => report.kind);

  describe('when the link is lost', () => {
    it('report it at once in the first attempt, also before it was ever there, and leave the source alone', async () => {
      machine.reach = lost;
      await machine.attempt(1, { roundKind: 'final' });
      expect(machine.reports).toEqual([{ kind: 'link-lost', ...ofAttempt(1), detail: 'the link broke', silentMs: 0 }]);
      expect(machine.diary).toEqual(['reach small']);
      expect(machine.state).toEqual({ state: 'running', roundId: ROUND_ID });
    });

    it('tell how long it had been silent before that was noticed', async () => {
      machine.reach = async () => {
        throw new EndpointFailure('DATA_PATH_LOST', 'no answer', { silentMs: 60_000 });
      };
      await machine.attempt(1);
      expect(machine.reports).toMatchObject([{ kind: 'link-lost', silentMs: 60_000 }]);
    });

    it('end without ending the round, whether or not anybody hears of it', async () => {
      machine.transfer = lostIn('large');
      machine.answer = () => new Promise(() => undefined);
      await machine.attempt(1);
      expect(machine.reports).toEqual([
        { kind: 'link-established', ...ofAttempt(1), comparison: 'all-blocks' },
        { kind: 'link-lost', ...ofAttempt(1), detail: 'the link broke', silentMs: 0 },
      ]);
      expect(machine.diary.slice(-2)).toEqual(['end large', 'close /dev/large']);
      expect(machine.log.filter((line) => line.startsWith('warn'))).toEqual([
        `warn: Round ${ROUND_ID} lost its link in attempt 1: the link broke. Kept: 3 of 3 bytes sent are on the target.`,
      ]);
    });

    it('report what was acknowledged first', async () => {
      machine.transfer = async ({ diskId, onAcknowledged }) => {
        if (diskId === 'small') return;
        for (const offsetBytes of [0, DIGEST_BLOCK_BYTES])
          onAcknowledged?.([{ offsetBytes, lengthBytes: DIGEST_BLOCK_BYTES }]);
        await lost();
      };
      await machine.attempt(1);
      expect(kinds()).toEqual(['link-established', 'ranges-acknowledged', 'ranges-acknowledged', 'link-lost']);
    });

    it('count the time until it can be told, as what was acknowledged is told before', async () => {
      machine.transfer = async ({ onAcknowledged }) => {
        onAcknowledged?.([{ offsetBytes: 0, lengthBytes: DIGEST_BLOCK_BYTES }]);
        throw new EndpointFailure('DATA_PATH_LOST', 'no answer', { silentMs: 500 });
      };
      machine.answer = async ({ kind }) => {
        if (kind !== 'ranges-acknowledged') return 'acknowledged';
        await vi.waitFor(() => expect(machine.diary.at(-1)).toMatch(/^close/));
        await nextTurn();
        machine.nowMs = 600_000;
        return 'acknowledged';
      };
      await machine.attempt(1);
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'link-lost', silentMs: 600_500 });
    });

    it('go on with what is left, where they were', async () => {
      machine.transfer = lostIn('large');
      await machine.attempt(1);
      const first = machine.given.get('large');
      machine.transfer = fine;
      machine.diary = [];
      await machine.attempt(2);
      expect(machine.deeds).toEqual(['reach large', 'map large', 'sync large']);
      const second = machine.given.get('large');
      expect(second?.resume).toBe(first?.resume);
      expect(second?.digests).toBe(first?.digests);
      expect(second?.baseline).toBeNull();
      expect(machine.reports.slice(2)).toEqual([
        { kind: 'link-established', ...ofAttempt(2), comparison: 'all-blocks' },
        expect.objectContaining({
          kind: 'round-completed',
          ...ofAttempt(2),
          disks: [
            expect.objectContaining({ diskId: 'small', baseline: 'none' }),
            expect.objectContaining({ diskId: 'large', baseline: 'none' }),
          ],
        }),
      ]);
    });

    it('read the disks as they are when the link is back, whatever their devices are called by then', async () => {
      machine.transfer = lostIn('large');
      await machine.attempt(1);
      machine.transfer = fine;
      machine.diary = [];
      machine.reach = async () => {
        machine.inventory = fakeInventory([{ ...LARGE, device: '/dev/renamed' }, SMALL]);
      };
      await machine.attempt(2);
      expect(machine.deeds).toEqual(['reach large', 'map large', 'sync large']);
      expect(machine.diary.at(-1)).toBe('close /dev/renamed');
    });

    it('do not compare with what they have filled themselves: it began with nothing known', async () => {
      machine.transfer = async ({ diskId, digests }) => {
        digests.set(0, new Uint8Array(32).fill(7));
        if (diskId === 'large') await lost();
      };
      await machine.attempt(1);
      machine.transfer = fine;
      await machine.attempt(2);
      const second = machine.given.get('large');
      expect(second?.baseline).toBeNull();
      expect(second?.digests.isKnown(0)).toBe(true);
      expect(machine.reports.at(-1)).toMatchObject({ disks: [{ baseline: 'none' }, { baseline: 'none' }] });
    });

    it('leave no table open, however they end', async () => {
      for (const diskId of ['small', 'large'])
        machine.tables.set(diskId, { table: knownTable(LARGE.sizeBytes), baseline: 'kept' });
      const seen: number[] = [];
      machine.transfer = async ({ diskId }) => {
        seen.push(machine.openTables);
        if (diskId === 'large') await lost();
      };
      await machine.attempt(1);
      expect(machine.openTables).toBe(0);
      const stop = new AbortController();
      machine.reach = async () => {
        stop.abort();
        await lost();
      };
      await machine.attempt(2, { signal: stop.signal });
      expect(machine.openTables).toBe(0);
      machine.reach = fine;
      machine.transfer = fine;
      await machine.attempt(3);
      expect(machine.reports.at(-1)?.kind).toBe('round-completed');
      expect([seen, machine.openTables]).toEqual([[1, 1], 0]);
      await machine.attempt(1, { resend: true, roundId: NEXT_ROUND_ID });
      expect(machine.reports.at(-1)?.kind).toBe('round-completed');
      expect(machine.openTables).toBe(0);
    });

    it('go on comparing with what was kept before the round', async () => {
      const table = knownTable(SMALL.sizeBytes);
      machine.tables.set('small', { table, baseline: 'kept' });
      machine.transfer = lostIn('large');
      await machine.attempt(1);
      machine.transfer = fine;
      await machine.attempt(2);
      expect(machine.reports.slice(2)).toMatchObject([
        { comparison: 'rescan' },
        { disks: [{ baseline: 'kept' }, { baseline: 'none' }] },
      ]);
    });

    it('wait for it from the second attempt on, without a word but their progress', async () => {
      let failures = 7;
      machine.reach = async () => {
        failures -= 1;
        if (failures >= 0) await lost();
      };
      await machine.attempt(1);
      machine.waitsMs.length = 0;
      const logged = machine.log.length;
      await machine.attempt(2);
      expect(machine.waitsMs).toEqual([375, 750, 1_500, 3_000, 6_000, 6_000]);
      expect(kinds()).toEqual(['link-lost', 'link-established', 'round-completed']);
      expect(machine.log.slice(logged)).toHaveLength(3);
    });

    it('say in their progress that they wait', async () => {
      let tries = 0;
      machine.reach = async () => {
        machine.beat();
        tries += 1;
        if (tries < 3) await lost();
      };
      await machine.attempt(2);
      expect(machine.progress.slice(0, 4)).toMatchObject(
        Array.from({ length: 4 }, () => ({ activity: 'waiting-for-link', assignmentId: attemptId(2) })),
      );
    });

    it('stop waiting when the server wants something else', async () => {
      const abort = new AbortController();
      machine.reach = async () => {
        if (machine.waitsMs.length === 2) abort.abort();
        await lost();
      };
      await machine.attempt(2, { signal: abort.signal });
      expect(machine.reports).toEqual([]);
      expect(machine.deeds).toEqual(['reach small', 'reach small', 'reach small']);
    });

    it('do not wait for what waiting does not mend', async () => {
      machine.reach = async () => {
        throw new EndpointFailure('EXPORT_FAILED', 'no such export');
      };
      await machine.attempt(2);
      expect(machine.reports).toMatchObject([{ kind: 'round-failed', code: 'EXPORT_FAILED' }]);
    });

    it('report it in a later attempt too, once the link was there', async () => {
      machine.transfer = lostIn('small');
      await machine.attempt(1);
      await machine.attempt(2);
      expect(kinds()).toEqual(['link-established', 'link-lost', 'link-established', 'link-lost']);
    });
  });

  describe('of a final round', () => {
    it('let the source go before anybody waits, and read all of it again under a new hold', async () => {
      machine.transfer = async (options) => {
        options.resume?.foundEqual(0);
        await lostIn('large')(options);
      };
      await machine.attempt(1, { roundKind: 'final' });
      expect(machine.diary.slice(-4)).toEqual(['close /dev/large', 'release', 'leave small', 'leave large']);
      expect(kinds()).toEqual(['link-established', 'link-lost']);
      machine.diary = [];
      const done: (number | undefined)[] = [];
      machine.transfer = async ({ resume }) => void done.push(resume?.doneBytes);
      machine.reach = async () => {
        machine.reach = fine;
        await lost();
      };
      await machine.attempt(2, { roundKind: 'final' });
      expect(machine.deeds).toEqual([
        'reach small',
        'reach small',
        'hold small,large',
        'map small',
        'sync small',
        'map large',
        'sync large',
        'release',
      ]);
      expect(done).toEqual([0, 0]);
      expect(machine.reports.at(-1)).toMatchObject({
        kind: 'round-completed',
        disks: [{ diskId: 'small' }, { diskId: 'large' }],
      });
    });

    it('count on what was sent, and begin anew with what is read', async () => {
      machine.transfer = lostIn('large');
      await machine.attempt(1, { roundKind: 'final' });
      machine.transfer = fine;
      const before = machine.progress.length;
      await machine.attempt(2, { roundKind: 'final' });
      const small = machine.progress.slice(before).map(({ disks }) => disks.find(({ diskId }) => diskId === 'small'));
      expect(small[0]).toMatchObject({ processedBytes: 0, sentBytes: 3 });
      expect(small.at(-1)).toMatchObject({ processedBytes: 4, sentBytes: 6, acknowledgedBytes: 6 });
    });
  });

  describe('when the server wants something else', () => {
    const pauseIn = async (wanted: string): Promise<void> => {
      const abort = new AbortController();
      machine.transfer = async ({ diskId, signal }) => {
        if (diskId !== wanted) return;
        abort.abort();
        signal?.throwIfAborted();
      };
      await machine.attempt(1, { signal: abort.signal });
      machine.transfer = fine;
    };

    it('say nothing, keep the digests, and go on when the round is wanted again', async () => {
      await pauseIn('large');
      expect(kinds()).toEqual(['link-established']);
      expect(machine.diary).toContain('end large');
      expect(machine.state).toEqual({ state: 'running', roundId: ROUND_ID });
      machine.diary = [];
      await machine.attempt(2);
      expect(machine.deeds).toEqual(['reach large', 'map large', 'sync large']);
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'round-completed', ...ofAttempt(2) });
    });

    it('never tell a progress that goes back', async () => {
      const standing = { activity: 'transferring', plannedBytes: 4, sentBytes: 0, acknowledgedBytes: 0 } as const;
      const abort = new AbortController();
      machine.transfer = async ({ diskId, signal, onProgress }) => {
        if (diskId !== 'large') return;
        onProgress?.({ ...standing, processedBytes: 3 });
        machine.beat();
        abort.abort();
        signal?.throwIfAborted();
      };
      await machine.attempt(1, { signal: abort.signal });
      machine.transfer = async ({ onProgress }) => {
        onProgress?.({ ...standing, processedBytes: 0 });
        machine.beat();
      };
      await machine.attempt(2);
      const processed = machine.progress.map(({ disks }) => disks.reduce((sum, disk) => sum + disk.processedBytes, 0));
      expect(processed).toEqual([0, 7, 7, 7, 7, 8]);
    });

    it('forget the round when another one begins', async () => {
      await pauseIn('large');
      machine.diary = [];
      await machine.attempt(1, { roundId: TASK_ID });
      expect(machine.deeds).toEqual(['reach small', 'map small', 'sync small', 'map large', 'sync large']);
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'round-completed', roundId: TASK_ID });
    });

    it('repeat the end of a round that was never told', async () => {
      const abort = new AbortController();
      machine.afterTransfer = () => {
        if (machine.given.has('large')) abort.abort();
      };
      await machine.attempt(1, { signal: abort.signal });
      expect(kinds()).toEqual(['link-established']);
      machine.diary = [];
      await machine.attempt(2);
      expect(machine.diary).toEqual([]);
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'round-completed', ...ofAttempt(2) });
    });
  });

  describe('after a restart of the process', () => {
    it('do not start over what had begun, and say so whenever they are asked', async () => {
      machine.state = { state: 'running', roundId: ROUND_ID };
      await machine.attempt(1);
      machine.restart();
      await machine.attempt(2);
      expect(machine.diary).toEqual([]);
      const interrupted = { kind: 'round-failed', code: 'ENDPOINT_RESTARTED' };
      expect(machine.reports).toEqual([
        expect.objectContaining({ ...interrupted, ...ofAttempt(1) }),
        expect.objectContaining({ ...interrupted, ...ofAttempt(2) }),
      ]);
    });

    it('repeat the outcome of a round that had ended', async () => {
      await machine.attempt(1);
      const [, outcome] = machine.reports;
      machine.restart();
      machine.diary = [];
      await machine.attempt(2);
      expect(machine.diary).toEqual([]);
      expect(machine.reports[2]).toEqual({ ...outcome, assignmentId: attemptId(2) });
    });

    it('compare the next full round with what the interrupted one has sent', async () => {
      machine.tables.set('large', { table: knownTable(LARGE.sizeBytes), baseline: 'kept' });
      await machine.attempt(1);
      expect(machine.given.get('large')?.baseline).not.toBeNull();
      expect(machine.reports).toMatchObject([
        { comparison: 'rescan' },
        { disks: [{ baseline: 'none' }, { baseline: 'kept' }] },
      ]);
    });
  });

  describe('when everything is to be sent again', () => {
    beforeEach(() => {
      machine.tables.set('small', { table: knownTable(SMALL.sizeBytes), baseline: 'kept' });
      machine.tables.set('large', { table: knownTable(LARGE.sizeBytes), baseline: 'kept' });
    });

    it.each(['full', 'incremental', 'final'] as const)(
      'forget the digests of all disks before anything else: %s',
      async (roundKind) => {
        machine.reach = lost;
        await machine.attempt(1, { roundKind, resend: true });
        expect(machine.diary).toEqual(['begin small', 'end small', 'begin large', 'end large', 'reach small']);
        for (const { table } of machine.tables.values()) expect(table?.knowsNothing).toBe(true);
      },
    );

    it('compare with nothing', async () => {
      await machine.attempt(1, { resend: true });
      expect(machine.given.get('small')?.baseline).toBeNull();
      expect(machine.given.get('large')?.baseline).toBeNull();
      expect(machine.reports).toMatchObject([
        { comparison: 'all-blocks' },
        { disks: [{ baseline: 'none' }, { baseline: 'none' }] },
      ]);
    });

    it('forget once, not in every attempt', async () => {
      machine.transfer = async (options) => {
        options.digests.set(0, new Uint8Array(32).fill(9));
        await lost();
      };
      await machine.attempt(1, { resend: true });
      machine.transfer = fine;
      machine.diary = [];
      await machine.attempt(2, { resend: true });
      expect(machine.diary[0]).toBe('reach small');
      expect(machine.given.get('small')?.digests.isKnown(0)).toBe(true);
      expect(machine.given.get('small')?.baseline).toBeNull();
    });
  });
});
