import { describe, expect, it } from 'vitest';
import { bufferBytes, freeExtentsIn } from './buffer-bytes.fake.js';
import { freeOfSwap } from './swap-free-extents.js';

const KIB = 1024;

async function freeWith(signature: Buffer | string, at: number, bytes = 1024 * KIB): Promise<unknown> {
  const content = Buffer.alloc(bytes);
  content.write('SWAPSPACE2', 4096 - 10, 'latin1');
  Buffer.from(signature).copy(content, at);
  return freeExtentsIn(bufferBytes(content, { startBytes: 4096 }), freeOfSwap);
}

describe('the free part of swap space', () => {
  it.each([4, 8, 16, 32, 64])('is what lies behind 64 KiB, with pages of %i KiB', async (pageKib) => {
    const content = Buffer.alloc(1024 * KIB);
    content.write('SWAPSPACE2', pageKib * KIB - 10, 'latin1');
    expect(await freeExtentsIn(bufferBytes(content, { startBytes: 4096 }), freeOfSwap)).toEqual([
      { offsetBytes: 68 * KIB, lengthBytes: 960 * KIB },
    ]);
  });

  it.each(['S1SUSPEND\0', 'S2SUSPEND\0', 'ULSUSPEND\0', 'LINHIB0001', 'SWAP-SPACE', '\0'.repeat(10)])(
    'is nothing with the signature %s',
    async (signature) => {
      expect(await freeWith(signature, 4096 - 10)).toEqual([]);
    },
  );

  it('is nothing when a signature of hibernation is anywhere', async () => {
    expect(await freeWith('S1SUSPEND', 64 * KIB - 10)).toEqual([]);
    expect(await freeWith(Buffer.from('edc302e99856e50c', 'hex'), 0)).toEqual([]);
  });

  it('is nothing of an area that is all header', async () => {
    expect(await freeWith('', 0, 64 * KIB)).toEqual([]);
    expect(await freeWith('', 0, 40 * KIB)).toEqual([]);
  });
});
