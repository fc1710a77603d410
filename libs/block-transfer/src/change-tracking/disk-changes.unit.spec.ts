import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES } from '../digests/block-digest.js';
import { DigestTable } from '../digests/digest-table.js';
import { endOf, invertExtents, mergeExtents } from '../extents/byte-extents.js';
import { BlockSet } from '../round/block-set.js';
import { DiskResume } from '../round/disk-resume.js';
import { DiskRound } from '../round/disk-round.js';
import { usedMapOf, type UsedMap } from '../used-blocks/used-map.js';
import { DiskChanges } from './disk-changes.js';

const BLOCK = DIGEST_BLOCK_BYTES;
const SECTOR = 512;
/** Three steps of a sweep: one of them may break off what the others had not begun. */
const BLOCKS = 40;
const DISK_BYTES = (BLOCKS - 1) * BLOCK + 3 * SECTOR;
const SECTORS = DISK_BYTES / SECTOR;
const ALL = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);

const setOf = (...indices: number[]): BlockSet => {
  const set = new BlockSet(DISK_BYTES);
  for (const index of indices) set.add(index);
  return set;
};
const indicesIn = (blocks: { has(index: number): boolean }): number[] =>
  Array.from({ length: BLOCKS }, (_, index) => index).filter((index) => blocks.has(index));

/** Changes of a disk that a round has been over. */
function cleanDisk(used = ALL): DiskChanges {
  const changes = new DiskChanges(DISK_BYTES);
  changes.take(used, setOf());
  changes.complete();
  return changes;
}

describe('DiskChanges', () => {
  it('knows nothing at first: every block is to be read', () => {
    const changes = new DiskChanges(DISK_BYTES);
    expect(changes.isComplete).toBe(false);
    expect(changes.changedBytes).toBe(DISK_BYTES);
    expect(indicesIn(changes.take(ALL, setOf()))).toHaveLength(BLOCKS);
  });

  it('gives every block that a write touched, once', () => {
    const changes = cleanDisk();
    changes.record((3 * BLOCK) / SECTOR - 1, 2);
    changes.record(SECTORS - 1, 8);
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([2, 3, BLOCKS - 1]);
    changes.complete();
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([]);
  });

  it('gives what is written during a round to the next one', () => {
    const changes = cleanDisk();
    changes.record(0, 1);
    const taken = changes.take(ALL, setOf());
    changes.record(0, 1);
    changes.record((5 * BLOCK) / SECTOR, 1);
    expect(indicesIn(taken)).toEqual([0]);
    changes.complete();
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([0, 5]);
  });

  it('gives all places of a discard that ended, though its event names one', () => {
    const changes = cleanDisk();
    const at = (index: number): number => (index * BLOCK) / SECTOR;
    changes.recordDiscardBegun(at(3), 1);
    changes.recordDiscardBegun(at(9), 1);
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([3, 9]);
    changes.recordDiscard(at(3), 2);
    changes.complete();
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([3, 9]);
    changes.complete();
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([]);
  });

  it('takes back what a round did not come to an end with', () => {
    const changes = cleanDisk();
    changes.record(0, (3 * BLOCK) / SECTOR);
    changes.take(ALL, setOf());
    changes.giveBack(setOf(1));
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([0, 2]);
  });

  it('takes back everything of a round that never said how it ended', () => {
    const changes = cleanDisk();
    changes.record(0, (3 * BLOCK) / SECTOR);
    changes.take(ALL, setOf());
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([0, 1, 2]);
  });

  it('keeps what was written after an earlier attempt was done with it', () => {
    const changes = cleanDisk();
    changes.record(0, (2 * BLOCK) / SECTOR);
    changes.take(ALL, setOf());
    changes.record(0, 1);
    changes.giveBack(setOf(0));
    expect(indicesIn(changes.take(ALL, setOf(0)))).toEqual([1]);
    changes.complete();
    expect(indicesIn(changes.take(ALL, setOf()))).toEqual([0]);
  });

  it('gives blocks of which other bytes are used than before, though nobody wrote to them', () => {
    const before = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: 2 * BLOCK }]);
    const after = usedMapOf(DISK_BYTES, [
      { offsetBytes: 0, lengthBytes: BLOCK + SECTOR },
      { offsetBytes: 4 * BLOCK + SECTOR, lengthBytes: SECTOR },
    ]);
    expect(indicesIn(cleanDisk(before).take(after, setOf()))).toEqual([1, 4]);
  });

  describe('says whether what it gives matters to the target:', () => {
    const used = usedMapOf(DISK_BYTES, [{ offsetBytes: BLOCK + SECTOR, lengthBytes: 2 * SECTOR }]);
    const mattersAfter = (write: (changes: DiskChanges) => void, map = used): boolean => {
      const changes = cleanDisk(used);
      write(changes);
      changes.take(map, setOf());
      return changes.takenMatters;
    };

    it('nothing does not', () => {
      expect(mattersAfter(() => undefined)).toBe(false);
    });

    it('a write where nothing is used does not', () => {
      expect(mattersAfter((changes) => changes.record(0, 1))).toBe(false);
      expect(mattersAfter((changes) => changes.record((2 * BLOCK) / SECTOR, SECTORS))).toBe(false);
    });

    it('a write to a used block does', () => {
      expect(mattersAfter((changes) => changes.record((2 * BLOCK) / SECTOR - 1, 1))).toBe(true);
    });

    it('other bytes that are used do, and so do less of them', () => {
      const more = usedMapOf(DISK_BYTES, [...used.extents, { offsetBytes: 5 * BLOCK, lengthBytes: SECTOR }]);
      expect(mattersAfter(() => undefined, more)).toBe(true);
      expect(mattersAfter(() => undefined, usedMapOf(DISK_BYTES, []))).toBe(true);
    });

    it('and whether a used block was written since', () => {
      const changes = cleanDisk(used);
      expect(changes.usedWasWritten).toBe(false);
      changes.record(0, 1);
      expect(changes.usedWasWritten).toBe(false);
      changes.record((2 * BLOCK) / SECTOR - 1, 1);
      expect(changes.usedWasWritten).toBe(true);
      changes.take(used, setOf());
      expect(changes.usedWasWritten).toBe(false);
    });

    it('everything does before the first round is through', () => {
      const changes = new DiskChanges(DISK_BYTES);
      changes.take(used, setOf());
      expect(changes.takenMatters).toBe(true);
    });
  });
});

type Step =
  | { readonly kind: 'write' | 'trim'; readonly sector: number; readonly sectors: number; readonly value: number }
  | { readonly kind: 'use' | 'free'; readonly sector: number; readonly sectors: number }
  | { readonly kind: 'complete' | 'loss' | 'newRound' }
  | { readonly kind: 'attempt'; readonly requests: number; readonly during: readonly Step[] };

const place = {
  sector: fc.nat(SECTORS - 1),
  sectors: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 100, max: 1500 })),
};
const change = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({ kind: fc.constantFrom('write', 'trim'), ...place, value: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constantFrom('use', 'free'), ...place }),
  fc.record({ kind: fc.constant('complete') }),
);
const step = fc.oneof<fc.Arbitrary<Step>[]>(
  { weight: 6, arbitrary: change } as never,
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('attempt'),
      requests: fc.nat(5),
      during: fc.array(change, { maxLength: 6 }),
    }),
  } as never,
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('loss', 'newRound') }) } as never,
);

/**
 * A source whose writes land some time before their completion is recorded, a target, and rounds between them. A write
 * is visible to reads at any moment between its beginning and its completion: here at its beginning, or only just
 * before it completes, which are the two ends.
 */
class Model {
  readonly source = Buffer.alloc(DISK_BYTES, 1);
  readonly target = Buffer.alloc(DISK_BYTES, 0xee);
  readonly digests = DigestTable.unknown(DISK_BYTES, 'blake3');
  changes = new DiskChanges(DISK_BYTES);
  resume = new DiskResume(DISK_BYTES);
  private used: UsedMap = ALL;
  private inFlight: { sector: number; sectors: number; land: () => void }[] = [];
  private isFirst = true;

  do(step: Exclude<Step, { kind: 'attempt' }>): void {
    if (step.kind === 'write' || step.kind === 'trim') this.write(step);
    else if (step.kind === 'use' || step.kind === 'free') this.use(step);
    else if (step.kind === 'complete') this.completeWrites();
    else if (step.kind === 'loss') this.changes = new DiskChanges(DISK_BYTES);
    else this.resume = new DiskResume(DISK_BYTES);
  }

  completeWrites(): void {
    for (const { sector, sectors, land } of this.inFlight) {
      land();
      this.changes.record(sector, sectors);
    }
    this.inFlight = [];
  }

  /** @returns whether it came to its end */
  async attempt(requests: number, during: readonly Step[], isFinal = false): Promise<boolean> {
    if (isFinal) this.resume.readAgain();
    const { used } = this;
    const dirty = this.changes.take(used, this.resume.doneBlocks);
    let left = requests;
    const waiting = [...during];
    const turn = async (): Promise<void> => {
      const next = waiting.shift();
      if (next !== undefined && next.kind !== 'attempt') this.do(next);
      await Promise.resolve();
    };
    const request = async (apply: () => void): Promise<void> => {
      left -= 1;
      if (left < 0) throw new Error('link lost');
      await turn();
      apply();
    };
    const session = {
      write: (offset: number, payload: Uint8Array) => request(() => this.target.set(payload, offset)),
      zero: async (range: { offsetBytes: number; lengthBytes: number }) => {
        await request(() => this.target.fill(0, range.offsetBytes, endOf(range)));
        return 0;
      },
      flush: () => request(() => undefined),
    };
    const source = {
      sizeBytes: DISK_BYTES,
      read: async (into: Uint8Array, offset: number) => {
        await turn();
        into.set(this.source.subarray(offset, offset + into.length));
      },
      close: () => Promise.resolve(),
    };
    const stop = new AbortController();
    const baseline = this.isFirst && this.digests.knowsNothing ? null : this.digests;
    const options = { diskId: 'd', source, used, target: { host: '', port: 0, exportName: '' }, baseline, dirty };
    const { digests, resume } = this;
    try {
      await new DiskRound({ ...options, digests, resume }, session, stop, stop.signal).run();
      this.changes.complete();
      this.isFirst = false;
      this.resume = new DiskResume(DISK_BYTES);
      return true;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'link lost') throw error;
      this.changes.giveBack(resume.doneBlocks);
      return false;
    }
  }

  canonicalSource(): Buffer {
    const wanted = Buffer.from(this.source);
    for (const gap of invertExtents(this.used.extents, DISK_BYTES)) wanted.fill(0, gap.offsetBytes, endOf(gap));
    return wanted;
  }

  private write({ kind, sector, sectors, value }: Extract<Step, { kind: 'write' | 'trim' }>): void {
    const from = sector * SECTOR;
    const to = Math.min(from + sectors * SECTOR, DISK_BYTES);
    const land = (): void => void this.source.fill(kind === 'trim' ? 0 : value, from, to);
    const landsEarly = value % 2 === 0;
    if (landsEarly) land();
    this.inFlight.push({ sector, sectors, land });
  }

  private use({ kind, sector, sectors }: Extract<Step, { kind: 'use' | 'free' }>): void {
    const range = { offsetBytes: sector * SECTOR, lengthBytes: Math.min(sectors, SECTORS - sector) * SECTOR };
    const now = this.used.extents;
    const extents =
      kind === 'use'
        ? mergeExtents([...now, range])
        : invertExtents(mergeExtents([...invertExtents(now, DISK_BYTES), range]), DISK_BYTES);
    this.used = usedMapOf(DISK_BYTES, extents);
  }
}

describe('rounds over a disk whose changes are tracked', () => {
  it('make the target equal in the end, whatever was written, trimmed, lost and broken off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const model = new Model();
        for (const next of steps) {
          if (next.kind === 'attempt') await model.attempt(next.requests, next.during);
          else model.do(next);
        }
        // The final round: nothing is in flight any more.
        model.completeWrites();
        await model.attempt(3, [], true);
        expect(await model.attempt(1_000, [], true)).toBe(true);
        expect(model.target.equals(model.canonicalSource())).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
