import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEndpointFrame, decodeServerFrame, encodeFrame } from './frame.codec.js';

const ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001';

describe('decodeEndpointFrame', () => {
  it('reads back what was encoded', () => {
    const frame = { type: 'hello', protocolVersion: 1, software: 'agent 0.1.0', assignmentId: null } as const;
    expect(decodeEndpointFrame(encodeFrame(frame))).toEqual({ kind: 'frame', frame });
  });

  it('tells another protocol version from nonsense', () => {
    const hello = JSON.stringify({ type: 'hello', protocolVersion: 7, software: 'x', assignmentId: null });
    expect(decodeEndpointFrame(hello)).toEqual({ kind: 'version-unsupported', version: 7 });
  });

  it('keeps the id of a report that it does not understand', () => {
    const received = decodeEndpointFrame(
      JSON.stringify({ type: 'report', reportId: ID, ageMs: 0, report: { kind: 'news' } }),
    );
    expect(received).toMatchObject({ kind: 'unknown-report', reportId: ID });
  });

  it.each(['', '{', '[]', 'null', '{"type":"hello"}', '{"type":"report","reportId":"1","report":{}}'])(
    'calls %j malformed',
    (text) => {
      expect(decodeEndpointFrame(text).kind).toBe('malformed');
    },
  );

  it('never throws and bounds what it says', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ type: value })),
    );
    fc.assert(
      fc.property(anything, (text) => {
        for (const received of [decodeEndpointFrame(text), decodeServerFrame(text)]) {
          if (received.kind === 'malformed') expect(received.message.length).toBeLessThanOrEqual(300);
        }
      }),
    );
  });
});

describe('decodeServerFrame', () => {
  it('reads an assignment', () => {
    const frame = { type: 'assignment', assignment: { kind: 'idle', assignmentId: 'idle' } } as const;
    expect(decodeServerFrame(encodeFrame(frame))).toEqual({ kind: 'frame', frame });
  });

  it('calls an assignment of a kind it does not know malformed', () => {
    expect(decodeServerFrame('{"type":"assignment","assignment":{"kind":"dance"}}').kind).toBe('malformed');
  });
});
