import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.js';

async function eventsIn(pieces: readonly string[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(asStream(pieces))) events.push(event);
  return events;
}

async function* asStream(pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}

const STREAM = [
  'event: snapshot\nid: 1\ndata: {"a":1}\n\n',
  ': heartbeat\n\n',
  'retry: 500\n\n',
  'event: progress\ndata: first\ndata:second\n\n',
  'data: unnamed\r\n\r\n',
  'event: cut off\ndata: no empty line behind it\n',
].join('');

const EVENTS = [
  { event: 'snapshot', data: '{"a":1}' },
  { event: 'progress', data: 'first\nsecond' },
  { event: 'message', data: 'unnamed' },
];

describe('server-sent events', () => {
  it('are told apart, without comments, retry times and what was cut off', async () => {
    expect(await eventsIn([STREAM])).toEqual(EVENTS);
  });

  it('are the same wherever the stream is cut into pieces', async () => {
    const cuts = fc.array(fc.nat({ max: STREAM.length }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (positions) => {
        const sorted = [0, ...positions.sort((a, b) => a - b), STREAM.length];
        const pieces = sorted.slice(1).map((end, at) => STREAM.slice(sorted[at], end));
        expect(await eventsIn(pieces)).toEqual(EVENTS);
      }),
    );
  });

  it('may not grow without bound', async () => {
    const endless = Array.from({ length: 9 }, () => 'x'.repeat(1024 * 1024));
    await expect(eventsIn(endless)).rejects.toThrow(RangeError);
  });
});
