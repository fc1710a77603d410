import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NbdHandshake, type HandshakeStep } from './nbd-handshake.js';
import { ReplyDecoder } from './nbd-reply.decoder.js';
import { Command, encodeRequest } from './nbd.codec.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const GREETING = hex('4e42444d41474943 49484156454f5054 0003');
const goReply = (type: string, data = ''): Buffer =>
  Buffer.concat([hex(`0003e889045565a9 00000007 ${type}`), lengthOf(hex(data)), hex(data)]);
const lengthOf = (data: Buffer): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(data.length);
  return bytes;
};
/** One GiB; flags: has flags, FLUSH, FUA, TRIM, WRITE_ZEROES, MULTI_CONN, CACHE. */
const EXPORT = goReply('00000003', '0000 0000000040000000 056d');
const ACK = goReply('00000001');

/** Feeds a dialogue in the given cuts and gives what was sent and how it ended. */
function converse(stream: Buffer, cuts: number[]): { sent: Buffer; last: HandshakeStep } {
  const handshake = new NbdHandshake('disk');
  const sent: Buffer[] = [];
  let last: HandshakeStep = { kind: 'more' };
  const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
  for (const [index, start] of edges.entries()) {
    const end = edges[index + 1];
    if (end === undefined || end <= start) continue;
    last = handshake.push(stream.subarray(start, end));
    if (last.kind === 'send') sent.push(last.bytes);
  }
  return { sent: Buffer.concat(sent), last };
}

describe('requests', () => {
  it('are laid out as the protocol says', () => {
    const request = { command: Command.WRITE, cookie: 0xfffffffe, offsetBytes: 0x1234567890000, lengthBytes: 0x100000 };
    expect(encodeRequest(request)).toEqual(hex('25609513 0000 0001 00000000fffffffe 0001234567890000 00100000'));
  });

  it('carry any offset and length', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(0xffffffff), (offsetBytes, lengthBytes) => {
        const bytes = encodeRequest({ command: Command.WRITE_ZEROES, cookie: 1, offsetBytes, lengthBytes });
        expect(Number(bytes.readBigUInt64BE(16))).toBe(offsetBytes);
        expect(bytes.readUInt32BE(24)).toBe(lengthBytes);
        expect(bytes.readUInt16BE(6)).toBe(6);
      }),
    );
  });
});

describe('NbdHandshake', () => {
  it('agrees on an export, however the stream is cut', () => {
    const blockSizes = goReply('00000003', '0003 00000001 00001000 00800000');
    const description = goReply('00000003', '0002 6469736b');
    const rest = hex('67446698');
    const stream = Buffer.concat([GREETING, EXPORT, description, blockSizes, ACK, rest]);
    const cuts = fc.array(fc.integer({ min: GREETING.length, max: stream.length - rest.length - 1 }));
    fc.assert(
      fc.property(cuts, (given) => {
        const { sent, last } = converse(stream, [GREETING.length, ...given]);
        expect(sent).toEqual(hex('00000003 49484156454f5054 00000007 0000000c 00000004 6469736b 0001 0003'));
        expect(last).toEqual({
          kind: 'done',
          negotiated: {
            maxPayloadBytes: 8 * 1024 * 1024,
            info: {
              sizeBytes: 2 ** 30,
              readOnly: false,
              canFlush: true,
              canTrim: true,
              canWriteZeroes: true,
              multiConn: true,
            },
          },
          rest,
        });
      }),
    );
  });

  it('offers nothing that was not advertised, and 32 MiB at most', () => {
    const plain = goReply('00000003', '0000 0000000040000000 0003');
    const { last } = converse(Buffer.concat([GREETING, plain, ACK]), [GREETING.length]);
    expect(last).toMatchObject({
      kind: 'done',
      negotiated: {
        maxPayloadBytes: 32 * 1024 * 1024,
        info: { readOnly: true, canFlush: false, canTrim: false, canWriteZeroes: false, multiConn: false },
      },
    });
    const withoutFlags = goReply('00000003', '0000 0000000040000000 056c');
    expect(converse(Buffer.concat([GREETING, withoutFlags, ACK]), [GREETING.length]).last).toMatchObject({
      negotiated: { info: { canFlush: false, canWriteZeroes: false } },
    });
  });

  describe('that wants TLS', () => {
    const starting = (type: string, data = ''): Buffer =>
      Buffer.concat([hex(`0003e889045565a9 00000005 ${type}`), lengthOf(hex(data)), hex(data)]);

    it('asks for it before anything else, waits for it, and only then names the export', () => {
      const agreed = starting('00000001');
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: agreed.length - 1 })), (cuts) => {
          const handshake = new NbdHandshake('disk', true);
          expect(handshake.push(GREETING)).toEqual({
            kind: 'send',
            bytes: hex('00000003 49484156454f5054 00000005 00000000'),
          });
          const edges = [0, ...cuts.toSorted((a, b) => a - b), agreed.length];
          const steps = edges.slice(1).map((end, index) => handshake.push(agreed.subarray(edges[index], end)));
          expect(steps.at(-1)).toEqual({ kind: 'secure' });
          expect(new Set(steps.slice(0, -1).map(({ kind }) => kind))).toEqual(
            new Set(steps.length > 1 ? ['more'] : []),
          );
          expect(handshake.secured()).toEqual(hex('49484156454f5054 00000007 0000000c 00000004 6469736b 0001 0003'));
          expect(handshake.push(Buffer.concat([EXPORT, ACK]))).toMatchObject({ kind: 'done' });
        }),
      );
    });

    it.each([
      ['a server that forbids it', starting('80000002'), /refuses TLS .*forbids/],
      ['a server that does not know it', starting('80000001'), /refuses TLS/],
      ['one byte more in the clear', Buffer.concat([starting('00000001'), Buffer.alloc(1)]), /in the clear/],
      ['an export described in the clear', Buffer.concat([starting('00000001'), EXPORT, ACK]), /in the clear/],
    ])('does not trust %s', (_, stream, text) => {
      const handshake = new NbdHandshake('disk', true);
      handshake.push(GREETING);
      expect(() => handshake.push(stream)).toThrow(expect.objectContaining({ name: 'NbdInsecureError' }));
      const again = new NbdHandshake('disk', true);
      again.push(GREETING);
      expect(() => again.push(stream)).toThrow(text);
    });

    it.each([
      ['an answer to a wish that was not made', Buffer.concat([EXPORT, ACK]), /option 7/],
      ['no answer', starting('00000003', '0000'), /no answer/],
    ])('does not understand %s', (_, stream, text) => {
      const handshake = new NbdHandshake('disk', true);
      handshake.push(GREETING);
      expect(() => handshake.push(stream)).toThrow(text);
    });
  });

  it.each([
    ['another service', Buffer.from('SSH-2.0-OpenSSH_9.2 and more'), /no NBD server/],
    ['oldstyle', hex('4e42444d41474943 0000420281861253 0003'), /oldstyle/],
    ['a server without options', hex('4e42444d41474943 49484156454f5054 0002'), /negotiate/],
    ['a demand for TLS', Buffer.concat([GREETING, goReply('80000005')]), /demands TLS/],
    ['an unknown export', Buffer.concat([GREETING, goReply('80000006', '6e6f7065')]), /no such export: nope/],
    ['an acknowledgement without a description', Buffer.concat([GREETING, ACK]), /did not describe/],
    ['another reply', Buffer.concat([GREETING, hex('0003e889045565a9 00000008 00000001 00000000')]), /option 8/],
    ['rubbish', Buffer.concat([GREETING, Buffer.alloc(20, 1)]), /not an option reply/],
    ['an endless reply', Buffer.concat([GREETING, hex('0003e889045565a9 00000007 00000003 7fffffff')]), /proportion/],
    [
      'a large smallest request',
      Buffer.concat([GREETING, goReply('00000003', '0003 00001000 00001000 02000000')]),
      /4096/,
    ],
  ])('refuses %s', (_, stream, text) => {
    expect(() => converse(stream, [GREETING.length])).toThrow(text);
  });
});

describe('ReplyDecoder', () => {
  it('gives every reply and all payload, however the stream is cut', () => {
    const reply = fc.record({ error: fc.constantFrom(0, 0, 5, 28), payload: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(reply, { minLength: 1, maxLength: 20 }), fc.array(fc.nat(1000)), (given, cuts) => {
        const targets = given.map(({ payload }) => new Uint8Array(payload.length));
        const parts: Uint8Array[] = [];
        for (const [cookie, { error, payload }] of given.entries()) {
          const header = Buffer.alloc(16);
          header.writeUInt32BE(0x67446698, 0);
          header.writeUInt32BE(error, 4);
          header.writeUInt32BE(cookie, 12);
          parts.push(header, ...(error === 0 ? [payload] : []));
        }
        const stream = Buffer.concat(parts);
        const seen: [number, number][] = [];
        const decoder = new ReplyDecoder({
          payloadOf: (cookie) => (given[cookie]!.payload.length === 0 ? null : targets[cookie]!),
          onReply: (cookie, error) => seen.push([cookie, error]),
        });
        const edges = [0, ...cuts.map((cut) => cut % stream.length).toSorted((a, b) => a - b), stream.length];
        for (const [index, start] of edges.slice(0, -1).entries())
          decoder.push(stream.subarray(start, edges[index + 1]));
        expect(seen).toEqual(given.map(({ error }, cookie) => [cookie, error]));
        for (const [cookie, { error, payload }] of given.entries())
          if (error === 0) expect(targets[cookie]).toEqual(payload);
      }),
    );
  });

  it('refuses a stream that makes no sense', () => {
    const decoder = new ReplyDecoder({ payloadOf: () => null, onReply: () => undefined });
    expect(() => decoder.push(Buffer.alloc(16, 7))).toThrow(/not a reply/);
  });
});
