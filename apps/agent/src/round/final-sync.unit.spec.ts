import { EndpointFailure } from '#libs/block-transfer';
import type { DiskRoundResult } from '#libs/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine, FakeTracking, knownTable, LARGE, RESULT, SMALL } from './fake-machine.fake.js';
import { fakeAssignment, fakeDisk, fakeInventory } from './round-fixture.fake.js';

describe('a final round', () => {
  let machine: FakeMachine;
  let tracked: FakeTracking;

  beforeEach(() => {
    machine = new FakeMachine();
    for (const disk of [SMALL, LARGE]) {
      machine.tables.set(disk.diskId, { table: knownTable(disk.sizeBytes), baseline: 'kept' });
    }
    tracked = new FakeTracking(machine.diary);
    machine.changes = tracked;
    machine.restart();
  });

  const disks = (): readonly DiskRoundResult[] =>
    (machine.reports.at(-1) as { readonly disks?: readonly DiskRoundResult[] }).disks ?? [];
  const pass = (id: string): string[] => [`map ${id}`, `take ${id}`, `sync ${id}`, `complete ${id}`];
  const again = (id: string): string[] => [`map ${id}`, 'settle', `take ${id}`];
  const HOLD = ['hold small,large', 'settle'];
  const FIRST = ['follow', 'reach small', ...HOLD, ...pass('small'), ...pass('large')];

  it('is over with one pass when everything can be frozen', async () => {
    await machine.run('final');
    expect(machine.deeds).toEqual([...FIRST.slice(0, -1), 'settle', 'release', FIRST.at(-1)]);
    expect(disks()).toMatchObject([{ stillness: 'frozen' }, { stillness: 'frozen' }]);
  });

  it('looks again when something was written although everything that was seen is frozen', async () => {
    tracked.writtenBehindReading.add('small');
    tracked.matters.set('small', 2);
    tracked.matters.set('large', 1);
    await machine.run('final');
    expect(machine.deeds.filter((line) => /^(sync|release)/.test(line))).toEqual([
      ...['sync small', 'sync large', 'sync small', 'release'],
    ]);
    expect(disks()).toMatchObject([{ stillness: 'unwritten' }, { stillness: 'unwritten' }]);
  });

  it('writes no table from the moment on at which anything is held', async () => {
    await machine.run('final');
    const ofDigests = machine.diary.filter((line) => /^(begin|end|leave|hold|release)/.test(line));
    expect(ofDigests).toEqual([
      ...['begin small', 'begin large', 'hold small,large', 'release'],
      ...['leave small', 'leave large'],
    ]);
    expect(machine.openTables).toBe(0);
  });

  it('leaves all journals, also when one cannot be', async () => {
    machine.endJournal = async () => {
      throw new Error('no space left on device');
    };
    await machine.run('final');
    expect(machine.diary.slice(-2)).toEqual(['leave small', 'leave large']);
    expect(machine.reports.at(-1)).toMatchObject({ kind: 'round-completed' });
    expect(machine.log.at(-2)).toContain('no space left on device');
  });

  it('holds what is mounted when it gets that far, not what was when it began', async () => {
    machine.reach = async () => {
      machine.inventory = fakeInventory([fakeDisk('large', LARGE.sizeBytes, '/mounted-since'), SMALL]);
    };
    await machine.attempt(2, { roundKind: 'final' });
    expect(machine.heldDisks.map((disk) => disk.partitions[0]?.fileSystem?.mountPoint)).toEqual([
      '/small',
      '/mounted-since',
    ]);
  });

  it('says nothing of stillness where it is not the final one', async () => {
    await machine.run('incremental');
    for (const disk of disks()) expect(disk).not.toHaveProperty('stillness');
  });

  describe('over a file system that goes on being written to', () => {
    beforeEach(() => {
      machine.notHeld = ['/'];
    });

    it('holds the others until it has seen that nothing was written', async () => {
      for (const id of ['small', 'large']) tracked.matters.set(id, 1);
      await machine.run('final');
      const unwritten = (id: string): string[] => [...again(id), `complete ${id}`];
      expect(machine.deeds).toEqual([...FIRST, ...unwritten('small'), ...unwritten('large'), 'release']);
      expect(disks()).toMatchObject([{ stillness: 'unwritten' }, { stillness: 'unwritten' }]);
    });

    it('reads again what was written, and looks at all disks once more', async () => {
      tracked.matters.set('small', 1);
      tracked.matters.set('large', 3);
      await machine.run('final');
      const looks = machine.deeds.slice(FIRST.length);
      const written = [...again('large'), 'sync large', 'complete large'];
      const unwritten = [...again('small'), 'complete small'];
      expect(looks).toEqual([
        ...[...unwritten, ...written],
        ...[...unwritten, ...written],
        ...[...unwritten, ...again('large'), 'complete large', 'release'],
      ]);
      expect(disks()).toMatchObject([
        { stillness: 'unwritten', comparison: 'tracked' },
        { stillness: 'unwritten', comparison: 'tracked' },
      ]);
    });

    it('writes little of what it would have to read itself: no table, and each block that it forgets once', async () => {
      tracked.matters.set('small', 1);
      tracked.matters.set('large', 4);
      const passes = [[0], [0], [0, 1], [1]];
      machine.transfer = async ({ diskId, journal, digests }) => {
        if (diskId === 'small') return;
        const blocks = passes.shift() ?? [];
        await journal?.forget(blocks);
        for (const index of blocks) digests.set(index, new Uint8Array(32).fill(9));
        await journal?.confirm(blocks.map((index) => ({ index, digest: digests.get(index) })));
      };
      await machine.run('final');
      const ofDigests = machine.diary.filter((line) => /^(begin|end|leave|forget|confirm|release)/.test(line));
      expect(ofDigests).toEqual([
        ...['begin small', 'begin large', 'forget 0 large', 'confirm 0 large'],
        ...['forget 0 large', 'forget 1 large'],
        ...['release', 'confirm 0,1 large', 'leave small', 'leave large'],
      ]);
      expect(machine.openTables).toBe(0);
    });

    it('is content in the end, and says so, when it never stops', async () => {
      machine.transfer = async () => {
        machine.nowMs += 9_000;
      };
      await machine.run('final');
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }, { stillness: 'uncertain' }]);
      // After the first pass, two of 18 s each.
      expect(machine.deeds.filter((line) => line === 'sync large')).toHaveLength(3);
      expect(machine.deeds.at(-1)).toBe('release');
    });

    it('lets go when its time is over, and is content with what it reads by then', async () => {
      let syncs = 0;
      machine.transfer = async () => {
        syncs += 1;
        if (syncs !== 3) return;
        machine.nowMs += 30_000;
        machine.endLooking();
      };
      await machine.run('final');
      expect(machine.deeds.slice(-4)).toEqual(['settle', 'take large', 'sync large', 'complete large']);
      expect(machine.deeds).toContain('release');
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }, { stillness: 'uncertain' }]);
    });

    it('is content, too, when what was held is lost while the target still writes what was read', async () => {
      machine.afterTransfer = () => machine.lost.abort(new EndpointFailure('SOURCE_READ_FAILED', 'too long'));
      machine.inventory = fakeInventory([SMALL]);
      machine.heldUntilRelease = false;
      await machine.runner.run(fakeAssignment('final', [SMALL]), new AbortController().signal);
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }]);
    });

    it('is content, too, when what was held is lost while it looks again: all of it was read once', async () => {
      let syncs = 0;
      machine.transfer = async () => {
        syncs += 1;
        if (syncs === 3) machine.lost.abort(new EndpointFailure('SOURCE_READ_FAILED', 'too long'));
      };
      machine.heldUntilRelease = false;
      await machine.run('final');
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }, { stillness: 'uncertain' }]);
    });

    it('reads the root of what it read again once, in the end', async () => {
      tracked.matters.set('small', 1);
      tracked.matters.set('large', 2);
      let syncs = 0;
      machine.transfer = async ({ digests, only }) => {
        syncs += 1;
        if (syncs !== 3) return;
        expect(only).toBe(tracked.dirty.get('large'));
        digests.set(1, new Uint8Array(32).fill(9));
      };
      await machine.run('final');
      const wanted = knownTable(LARGE.sizeBytes);
      wanted.set(1, new Uint8Array(32).fill(9));
      const [small, large] = disks();
      expect(large).toMatchObject({ diskId: 'large', rootDigest: await wanted.rootDigest() });
      expect(small?.rootDigest).toBe(RESULT.rootDigest);
    });

    it('cannot tell where changes are not tracked', async () => {
      tracked.standings.set('large', { comparison: 'rescan', reason: 'device-not-tracked' });
      await machine.run('final');
      expect(machine.deeds).toEqual([...FIRST.slice(0, -1), 'settle', 'release', FIRST.at(-1)]);
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }, { stillness: 'uncertain' }]);
    });

    it('cannot tell any more when the recording breaks off', async () => {
      machine.transfer = async ({ diskId }) => {
        if (diskId === 'large') tracked.standings.set('large', { comparison: 'rescan', reason: 'events-lost' });
      };
      tracked.matters.set('small', 1);
      await machine.run('final');
      expect(machine.deeds.slice(-2)).toEqual(['give back large', 'release']);
      expect(disks()).toMatchObject([{ stillness: 'uncertain' }, { stillness: 'uncertain' }]);
    });

    it('keeps the tables of a few disks only', async () => {
      const many = Array.from({ length: 8 }, (_, index) => fakeDisk(`disk-${index}`, SMALL.sizeBytes, '/'));
      machine.inventory = fakeInventory(many);
      for (const { diskId, sizeBytes } of many) {
        tracked.matters.set(diskId, 2);
        machine.tables.set(diskId, { table: knownTable(sizeBytes), baseline: 'kept' });
      }
      const open: number[] = [];
      machine.transfer = async () => void open.push(machine.openTables);
      await machine.runner.run(fakeAssignment('final', many), new AbortController().signal);
      expect(Math.max(...open)).toBe(5);
      expect(disks().map(({ stillness }) => stillness)).toEqual(Array.from({ length: 8 }, () => 'unwritten'));
      expect(machine.openTables).toBe(0);
    });

    it('puts the digests in order when a later pass fails', async () => {
      let syncs = 0;
      machine.transfer = async () => {
        syncs += 1;
        if (syncs > 2) throw new EndpointFailure('TARGET_WRITE_FAILED', 'broken');
      };
      await machine.run('final');
      expect(machine.reports.at(-1)).toMatchObject({ kind: 'round-failed', code: 'TARGET_WRITE_FAILED' });
      expect(machine.diary).toContain('give back small');
      expect(machine.diary.slice(-3)).toEqual(['release', 'leave small', 'leave large']);
      expect(machine.openTables).toBe(0);
    });

    it('adds up what its passes sent', async () => {
      tracked.matters.set('small', 1);
      tracked.matters.set('large', 2);
      await machine.run('final');
      const [small, large] = machine.progress.at(-1)?.disks.toSorted((a, b) => a.diskBytes - b.diskBytes) ?? [];
      expect(small).toMatchObject({ diskId: 'small', processedBytes: 4, sentBytes: 3 });
      expect(large).toMatchObject({ diskId: 'large', processedBytes: 4, sentBytes: 6, acknowledgedBytes: 6 });
    });
  });

  describe('over a disk that has to be compared as a whole', () => {
    const rescan = (reason: 'tracking-began' | 'tracking-unavailable'): void => {
      tracked.standings.set('large', { comparison: 'rescan', reason });
      machine.transfer = async ({ diskId }) => {
        if (diskId === 'large' && reason === 'tracking-began') tracked.standings.delete('large');
      };
    };

    it('does that before anything is held, when what is written meanwhile is tracked', async () => {
      rescan('tracking-began');
      await machine.run('final');
      expect(machine.deeds).toEqual([
        ...['follow', 'reach small', ...pass('large'), 'follow', ...HOLD],
        ...[...pass('small'), ...pass('large').slice(0, -1), 'settle', 'release', 'complete large'],
      ]);
      expect(disks()).toMatchObject([
        { diskId: 'large', comparison: 'rescan', rescanReason: 'tracking-began', stillness: 'frozen' },
        { diskId: 'small', comparison: 'tracked', stillness: 'frozen' },
      ]);
    });

    it('does it once, while all is held, when it would have to be done again', async () => {
      rescan('tracking-unavailable');
      await machine.run('final');
      expect(machine.deeds.filter((line) => line === 'sync large')).toHaveLength(1);
      expect(machine.deeds.indexOf('sync large')).toBeGreaterThan(machine.deeds.indexOf('hold small,large'));
    });
  });
});
