import { DIGEST_BYTES, sha256 } from './block-digest.js';

/**
 * Root of the digest tree over a disk:
 *
 * - leaf `i` = SHA-256(content of block `i`)
 * - inner = SHA-256(0x01 || left || right); a node without a right neighbour is promoted unchanged
 * - root = SHA-256(0x02 || diskBytes as u64 big-endian || blockBytes as u32 big-endian || top node)
 *
 * The prefixes keep an inner node from ever being read as a root; the sizes keep a disk from sharing its root with
 * another one that has the same top but was cut differently.
 *
 * @param leaves digests of all blocks, one behind the other, at least one
 * @returns 32 bytes
 */
export function merkleRoot(leaves: Uint8Array, diskBytes: number, blockBytes: number): Uint8Array {
  if (leaves.length === 0 || leaves.length % DIGEST_BYTES !== 0) throw new RangeError('leaves must be whole digests');
  let level = leaves;
  while (level.length > DIGEST_BYTES) level = nextLevel(level);
  const input = Buffer.alloc(1 + 8 + 4 + DIGEST_BYTES);
  input.writeUInt8(0x02, 0);
  input.writeBigUInt64BE(BigInt(diskBytes), 1);
  input.writeUInt32BE(blockBytes, 9);
  input.set(level, 13);
  return sha256(input);
}

function nextLevel(level: Uint8Array): Uint8Array {
  const nodes = level.length / DIGEST_BYTES;
  const next = new Uint8Array(Math.ceil(nodes / 2) * DIGEST_BYTES);
  const pair = Buffer.alloc(1 + 2 * DIGEST_BYTES);
  pair.writeUInt8(0x01, 0);
  let previous: Uint8Array | null = null;
  for (let node = 0; node + 1 < nodes; node += 2) {
    const children = level.subarray(node * DIGEST_BYTES, (node + 2) * DIGEST_BYTES);
    // Long stretches of equal blocks (zeros, mostly) make equal pairs: their parent is known already.
    if (previous === null || pair.compare(children, 0, children.length, 1) !== 0) {
      pair.set(children, 1);
      previous = sha256(pair);
    }
    next.set(previous, (node / 2) * DIGEST_BYTES);
  }
  if (nodes % 2 === 1) next.set(level.subarray((nodes - 1) * DIGEST_BYTES), next.length - DIGEST_BYTES);
  return next;
}
