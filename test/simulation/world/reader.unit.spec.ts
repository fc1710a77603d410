import { describe, expect, it } from 'vitest';
import { DomainError, type NewEvent, TransientError } from '#libs/eventsourcing';
import { exampleContext } from '#libs/testing';
import { EventLog } from './event-log.js';
import { Lifetime } from './lifetime.js';
import { Random } from './random.js';
import { Reader, type Subscriber } from './reader.js';
import { MINUTE, SimulatedClock } from './simulated-clock.js';

const event = (number: number): NewEvent => ({
  id: `event-${number}`,
  storedType: 'test.happened.v1',
  data: { number },
  metadata: { ...exampleContext(), occurredAt: '2026-01-01T00:00:00.000Z', producer: 'test' },
});

const scene = async (handle: (number: number, tries: number) => void) => {
  const clock = new SimulatedClock();
  const log = new EventLog();
  const checkpoints = new Map<string, number>();
  await log.append('test-1', 'no-stream', [1, 2, 3].map(event));
  await log.append('other-1', 'no-stream', [event(4)]);
  const seen: number[] = [];
  const subscriber: Subscriber = {
    name: 'reader',
    prefixes: ['test-'],
    handle: async ({ data }) => {
      const { number } = data as { readonly number: number };
      seen.push(number);
      handle(number, seen.filter((one) => one === number).length);
    },
  };
  const world = {
    log,
    checkpoints,
    random: new Random(1, 'reader'),
    manner: { delayMs: [0, 5], stall: 0, stallMs: 0, twice: 0 },
    isStoreAway: () => false,
    onFault: () => undefined,
    onCrash: (_reader: string, error: unknown) => {
      throw error;
    },
  } as const;
  const start = (): Lifetime => {
    const life = new Lifetime(clock);
    void new Reader(world, life, subscriber).run();
    return life;
  };
  return { clock, seen, checkpoints, start, pass: () => clock.passUntil(clock.nowMs + MINUTE) };
};

describe('a reader', () => {
  it('handles what matches in order, and again what failed in a way that may pass', async () => {
    const { seen, checkpoints, start, pass } = await scene((number, tries) => {
      if (number === 2 && tries < 3) throw new TransientError('not now');
    });
    start();
    await pass();
    expect(seen).toEqual([1, 2, 2, 2, 3]);
    expect(checkpoints.get('reader')).toBe(2);
  });

  it('takes a refusal for an answer', async () => {
    const { seen, start, pass } = await scene((number) => {
      if (number === 2) throw new DomainError('TEST.NO', 'No.', 'None.');
    });
    start();
    await pass();
    expect(seen).toEqual([1, 2, 3]);
  });

  it('handles an event again when its process died before the checkpoint', async () => {
    let life: Lifetime | null = null;
    const { seen, start, pass } = await scene((number, tries) => {
      if (number === 2 && tries === 1) life?.end();
    });
    life = start();
    await pass();
    start();
    await pass();
    expect(seen).toEqual([1, 2, 2, 3]);
  });
});
