import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_BYTES } from '../round/block-plan.js';
import { wireBytesOf } from './transfer-pace.js';
import { MOST_BYTES_AT_ONCE, TokenBucket } from './token-bucket.js';

const MIB = 1024 * 1024;

/** What passed, and when the rate changed, in one run. */
interface Run {
  readonly grants: readonly { readonly atMs: number; readonly bytes: number }[];
  readonly rates: readonly { readonly fromMs: number; readonly bytesPerSecond: number }[];
  readonly burstBytes: number;
}

type Move =
  | { readonly kind: 'take'; readonly afterMs: number; readonly bytes: number }
  | { readonly kind: 'adjust'; readonly afterMs: number; readonly bytesPerSecond: number };

const rate = fc.integer({ min: 125_000, max: 2_000_000_000 });
const afterMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5_000 }));
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      afterMs,
      bytes: fc.integer({ min: 1, max: MOST_BYTES_AT_ONCE }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('adjust' as const), afterMs, bytesPerSecond: rate }) },
);

const play = (first: number, moves: readonly Move[]): Run => {
  const bucket = new TokenBucket(first, 0);
  const grants: { atMs: number; bytes: number }[] = [];
  const rates = [{ fromMs: 0, bytesPerSecond: first }];
  let burstBytes = bucket.burstBytes;
  let nowMs = 0;
  for (const each of moves) {
    nowMs += each.afterMs;
    if (each.kind === 'adjust') {
      bucket.adjust(each.bytesPerSecond, nowMs);
      rates.push({ fromMs: nowMs, bytesPerSecond: each.bytesPerSecond });
    } else if (bucket.tryTake(each.bytes, nowMs)) grants.push({ atMs: nowMs, bytes: each.bytes });
    burstBytes = Math.max(burstBytes, bucket.burstBytes);
  }
  return { grants, rates, burstBytes };
};

const allowedBetween = (rates: Run['rates'], fromMs: number, toMs: number): number =>
  rates.reduce((sum, { fromMs: start, bytesPerSecond }, index) => {
    const end = rates[index + 1]?.fromMs ?? Infinity;
    return sum + (Math.max(0, Math.min(end, toMs) - Math.max(start, fromMs)) * bytesPerSecond) / 1000;
  }, 0);

const nextOf = (stream: Iterator<number>): number => {
  const { value, done } = stream.next();
  return done === true ? 0 : value;
};

describe('the token bucket', () => {
  it('lets no more pass in any window than the rate and one burst', () => {
    fc.assert(
      fc.property(rate, fc.array(move, { maxLength: 60 }), (first, moves) => {
        const { grants, rates, burstBytes } = play(first, moves);
        for (const [index, { atMs: fromMs }] of grants.entries()) {
          let passed = 0;
          for (const { atMs: toMs, bytes } of grants.slice(index)) {
            passed += bytes;
            expect(passed).toBeLessThanOrEqual(allowedBetween(rates, fromMs, toMs) + burstBytes + 1);
          }
        }
      }),
    );
  });

  it('reaches its rate when those who want more wait for as long as it says, also by late timers', () => {
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: MIB / 16, max: MIB }),
        fc.infiniteStream(fc.integer({ min: 0, max: 10 })),
        (bytesPerSecond, bytes, lateMs) => {
          const bucket = new TokenBucket(bytesPerSecond, 0);
          let nowMs = 0;
          let passed = 0;
          for (let step = 0; step < 200; step += 1) {
            nowMs += Math.ceil(bucket.msUntil(bucket.quantumBytes, nowMs)) + nextOf(lateMs);
            while (bucket.tryTake(bytes, nowMs)) passed += bytes;
          }
          expect(passed).toBeGreaterThan(((nowMs * bytesPerSecond) / 1000) * 0.97 - bucket.burstBytes);
        },
      ),
    );
  });

  it('says how long to wait: then there is enough, and a moment before there is not', () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: MOST_BYTES_AT_ONCE }), (bytesPerSecond, bytes) => {
        const waitMs = new TokenBucket(bytesPerSecond, 0).msUntil(bytes, 0);
        expect(new TokenBucket(bytesPerSecond, 0).tryTake(bytes, waitMs * 0.999 - 0.001)).toBe(false);
        expect(new TokenBucket(bytesPerSecond, 0).tryTake(bytes, waitMs * 1.000_001 + 0.001)).toBe(true);
      }),
    );
  });

  it('is adjusted at once, and an unlimited past leaves nothing to spend', () => {
    const bucket = new TokenBucket(1_000_000, 0);
    expect(bucket.msUntil(MIB, 0)).toBeCloseTo(1048.576);
    bucket.adjust(10_000_000, 0);
    expect(bucket.msUntil(MIB, 0)).toBeCloseTo(104.8576);
    bucket.adjust(null, 0);
    expect([bucket.msUntil(MIB, 0), bucket.tryTake(500 * MIB, 0)]).toEqual([0, true]);
    bucket.adjust(1_000_000, 3_600_000);
    expect(bucket.tryTake(1, 3_600_000)).toBe(false);
    expect(bucket.tryTake(1_000_000, 3_601_000)).toBe(true);
  });

  it('gives what a step of a round needs in one piece: in two, it would queue up twice', () => {
    expect(wireBytesOf(RUN_BYTES)).toBeLessThanOrEqual(MOST_BYTES_AT_ONCE);
  });

  it('refuses what it could never give', () => {
    const bucket = new TokenBucket(1_000_000, 0);
    expect(bucket.burstBytes).toBeGreaterThanOrEqual(MOST_BYTES_AT_ONCE);
    expect(() => bucket.tryTake(bucket.burstBytes + 1, 0)).toThrow(RangeError);
  });
});
