import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../storage/record.js';
import { unresolved, type ResolvedEvent } from '../streams/resolve-link.js';
import { consumerStrategy, type Candidate } from './consumer-strategy.js';

const message = (stream: string): ResolvedEvent => {
  const record: LogRecord = {
    id: stream,
    stream,
    revision: 0,
    position: 1,
    type: 'T',
    isJson: true,
    createdMs: 0,
    data: new Uint8Array(),
    metadata: new Uint8Array(),
  };
  return unresolved(record);
};

interface Named extends Candidate {
  readonly name: string;
  hasRoom: boolean;
}
const consumer = (name: string): Named => ({ name, hasRoom: true });

describe('consumer strategies', () => {
  it('round robin gives to each in turn and leaves out who has no room', () => {
    const strategy = consumerStrategy<Named>('RoundRobin');
    const [a, b, c] = ['a', 'b', 'c'].map(consumer) as [Named, Named, Named];
    for (const one of [a, b, c]) strategy.joined(one);
    const chosen = () => strategy.choose(message('s'))?.name;
    expect([chosen(), chosen(), chosen(), chosen()]).toEqual(['a', 'b', 'c', 'a']);
    b.hasRoom = false;
    expect([chosen(), chosen()]).toEqual(['c', 'a']);
    a.hasRoom = c.hasRoom = false;
    expect(chosen()).toBeUndefined();
  });

  it('dispatch to single gives all to the first that has room', () => {
    const strategy = consumerStrategy<Named>('DispatchToSingle');
    const [a, b] = ['a', 'b'].map(consumer) as [Named, Named];
    strategy.joined(a);
    strategy.joined(b);
    const chosen = () => strategy.choose(message('s'))?.name;
    expect([chosen(), chosen()]).toEqual(['a', 'a']);
    a.hasRoom = false;
    expect(chosen()).toBe('b');
    strategy.left(b);
    expect(chosen()).toBeUndefined();
  });

  it('pinned keeps a stream with its consumer, also when others come, and moves it when that one goes', () => {
    const strategy = consumerStrategy<Named>('Pinned');
    const [a, b] = ['a', 'b'].map(consumer) as [Named, Named];
    strategy.joined(a);
    strategy.joined(b);
    const streams = Array.from({ length: 200 }, (_, index) => `stream-${index}`);
    const before = streams.map((stream) => strategy.choose(message(stream))!.name);
    expect(streams.map((stream) => strategy.choose(message(stream))!.name)).toEqual(before);
    expect(before.filter((name) => name === 'a').length).toBeGreaterThan(50);
    strategy.left(a);
    expect(streams.every((stream) => strategy.choose(message(stream)) === b)).toBe(true);
  });

  it('pinned lets a message wait for its own consumer', () => {
    const strategy = consumerStrategy<Named>('Pinned');
    const [a, b] = ['a', 'b'].map(consumer) as [Named, Named];
    strategy.joined(a);
    strategy.joined(b);
    const owner = strategy.choose(message('s'))!;
    owner.hasRoom = false;
    expect(strategy.choose(message('s'))).toBeUndefined();
  });
});
