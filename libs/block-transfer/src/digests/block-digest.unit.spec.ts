import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOf, digestOfBlock, isZeroBlock, zeroBlockDigest } from './block-digest.js';
import { blake3, describeBlake3, nameWithBlake3, openBlake3 } from './blake3.js';

/** From the specification's test vectors: length of the input, and its digest. The bytes count from 0 to 250. */
const VECTORS: readonly (readonly [number, string])[] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [2048, 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a'],
  [8192, 'aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63'],
  [102_400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
];
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);
const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
const withoutNative = (): Promise<never> => Promise.reject(new Error('no add-on for this platform'));

describe('BLAKE3', () => {
  it.each(VECTORS)('has the digest of the specification, of %i bytes', async (length, digest) => {
    expect(hex(digestOf(counting(length), 'blake3'))).toBe(digest);
    expect(hex((await openBlake3(withoutNative)).digest(counting(length)))).toBe(digest);
  });

  it('is native here', () => {
    expect(blake3).toMatchObject({ kind: 'native', reason: null });
  });

  it('is the same without its add-on, which it says', async () => {
    const fallback = await openBlake3(withoutNative);
    expect(fallback).toMatchObject({ kind: 'webassembly', reason: 'no add-on for this platform' });
    expect(describeBlake3(fallback)).toEqual({
      level: 'warn',
      message: expect.stringContaining('no add-on') as string,
    });
    expect([nameWithBlake3('agent 1', fallback), nameWithBlake3('agent 1')]).toEqual([
      'agent 1 (slow BLAKE3)',
      'agent 1',
    ]);
    // Its state is its own: a digest is not disturbed by the one before, nor taken back by the next.
    const [first, second] = [counting(70_000), counting(DIGEST_BLOCK_BYTES)].map((data) => fallback.digest(data));
    expect([first, second].map((digest) => hex(digest!))).toEqual(
      [counting(70_000), counting(DIGEST_BLOCK_BYTES)].map((data) => hex(blake3.digest(data))),
    );
  });

  it('is not trusted when it computes something else', async () => {
    const wrong = await openBlake3(async () => (data) => createHash('sha256').update(data).digest());
    expect(wrong).toMatchObject({ kind: 'webassembly', reason: expect.stringContaining('computes wrong') as string });
  });

  it('takes no memory outside of the heap that only another turn gives back', () => {
    const data = counting(64);
    const outsideBytes = (): number => {
      const { rss, heapTotal } = process.memoryUsage();
      return rss - heapTotal;
    };
    const before = outsideBytes();
    for (let call = 0; call < 1_000_000; call += 1) blake3.digest(data);
    // The add-on's buffers would be 300 MB by now; what else the process does in the meantime may take some, too.
    expect(outsideBytes() - before).toBeLessThan(100 * 1024 * 1024);
  });
});

describe.each(['blake3', 'sha256'] as const)('block digests by %s', (algorithm) => {
  it('are of zeros too, at any length up to a block', () => {
    for (const length of [1, 512, 4096, DIGEST_BLOCK_BYTES - 1, DIGEST_BLOCK_BYTES]) {
      const zeros = Buffer.alloc(length);
      const hashed = (): string => hex(digestOf(zeros, algorithm));
      expect(isZeroBlock(zeros)).toBe(true);
      expect(hex(digestOfBlock(zeros, algorithm))).toBe(hashed());
      expect(hex(zeroBlockDigest(length, algorithm))).toBe(hashed());
      zeros[length - 1] = 1;
      expect(isZeroBlock(zeros)).toBe(false);
      expect(hex(digestOfBlock(zeros, algorithm))).toBe(hashed());
    }
  });
});

it('SHA-256 is what it is called', () => {
  const data = counting(1000);
  expect(hex(digestOf(data, 'sha256'))).toBe(createHash('sha256').update(data).digest('hex'));
});
