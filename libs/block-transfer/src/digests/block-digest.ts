import type { DigestAlgorithm } from '#libs/contracts';
import { hash } from 'node:crypto';
import { blake3 } from './blake3.js';

/** Size of a block, the unit of digests and of comparison. A disk's last block may be shorter. */
export const DIGEST_BLOCK_BYTES = 65536;
/** Of every algorithm. */
export const DIGEST_BYTES = 32;

const ZERO_BLOCK = Buffer.alloc(DIGEST_BLOCK_BYTES);
const zeroDigests: Record<DigestAlgorithm, Map<number, Uint8Array>> = { blake3: new Map(), sha256: new Map() };

/** True when at most a block's worth of bytes is nothing but zeros: one `memcmp`, which ends at the first other byte. */
export function isZeroBlock(block: Uint8Array): boolean {
  return ZERO_BLOCK.compare(block, 0, block.length, 0, block.length) === 0;
}

/** Digest of a block of zeros of this length, computed once per length. */
export function zeroBlockDigest(lengthBytes: number, algorithm: DigestAlgorithm): Uint8Array {
  const known = zeroDigests[algorithm].get(lengthBytes);
  if (known !== undefined) return known;
  const digest = digestOf(ZERO_BLOCK.subarray(0, lengthBytes), algorithm);
  zeroDigests[algorithm].set(lengthBytes, digest);
  return digest;
}

/** Digest of a block. Zeros are compared, not hashed: that is many times faster. */
export function digestOfBlock(block: Uint8Array, algorithm: DigestAlgorithm): Uint8Array {
  return isZeroBlock(block) ? zeroBlockDigest(block.length, algorithm) : digestOf(block, algorithm);
}

/** Digest of any bytes. */
export function digestOf(data: Uint8Array, algorithm: DigestAlgorithm): Uint8Array {
  return algorithm === 'blake3' ? blake3.digest(data) : hash('sha256', data, 'buffer');
}
