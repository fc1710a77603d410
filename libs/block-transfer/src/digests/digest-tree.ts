import type { DigestAlgorithm } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES, digestOf } from './block-digest.js';

/**
 * Children of an inner node. SHA-256 has had two from the beginning, and roots that were recorded must stay what they
 * are. BLAKE3 gets its speed from long inputs: 1,024 children are 32 KiB, which cost 10 µs, as seven pairs do.
 */
const FAN_OUT: Record<DigestAlgorithm, number> = { blake3: 1024, sha256: 2 };
const INNER_PREFIX = 0x01;
const ROOT_PREFIX = 0x02;

/**
 * Root of the digest tree over a disk, from leaves that come in order. Takes memory for one node per level, not for the
 * leaves.
 *
 * - leaf `i` = digest of block `i`
 * - inner = digest(0x01 || children): each level is cut into groups of two (SHA-256) or 1,024 (BLAKE3), the last group
 *   may be smaller; a group of one is not a node, its only child goes up unchanged
 * - root = digest(0x02 || diskBytes as u64 big-endian || blockBytes as u32 big-endian || top node)
 *
 * The size of the disk gives the number of leaves and so the place and length of every input: two different tables of
 * one disk size with one root would be a collision of the digest. The prefixes keep an inner node from ever being read
 * as a root; the sizes keep a disk from sharing its root with another one that has the same top but was cut differently.
 */
export class DigestTree {
  private readonly levels: TreeLevel[];

  constructor(
    private readonly algorithm: DigestAlgorithm,
    private readonly diskBytes: number,
  ) {
    this.levels = [new TreeLevel(algorithm)];
  }

  /** @param leaves the next digests, one behind the other */
  push(leaves: Uint8Array): void {
    if (leaves.length % DIGEST_BYTES !== 0) throw new RangeError('leaves must be whole digests');
    this.add(0, leaves);
  }

  /** When all leaves are there: 32 bytes. Nothing can be pushed afterwards. */
  root(): Uint8Array {
    const top = this.top();
    const input = Buffer.alloc(1 + 8 + 4 + DIGEST_BYTES);
    input.writeUInt8(ROOT_PREFIX, 0);
    input.writeBigUInt64BE(BigInt(this.diskBytes), 1);
    input.writeUInt32BE(DIGEST_BLOCK_BYTES, 9);
    input.set(top, 13);
    return digestOf(input, this.algorithm);
  }

  private top(): Uint8Array {
    // Levels are added on the way.
    for (const [depth, level] of this.levels.entries()) {
      const rest = level.rest();
      if (rest === null) continue;
      const isOne = rest.length === DIGEST_BYTES;
      if (isOne && depth === this.levels.length - 1) return rest;
      this.add(depth + 1, isOne ? rest : level.nodeOf(rest));
    }
    throw new RangeError('a tree without leaves');
  }

  private add(depth: number, digests: Uint8Array): void {
    const level = (this.levels[depth] ??= new TreeLevel(this.algorithm));
    for (let taken = 0; taken < digests.length;) {
      taken += level.take(digests.subarray(taken));
      const node = level.nodeIfFull();
      if (node !== null) this.add(depth + 1, node);
    }
  }
}

/** The group that is being filled on one level. */
class TreeLevel {
  /** The prefix and the children, as they are hashed. */
  private input: Buffer;
  private filledBytes = 1;
  /** The group before, and its node: long stretches of equal blocks (zeros, mostly) make equal groups. */
  private lastInput: Buffer;
  private lastNode: Uint8Array | null = null;

  constructor(private readonly algorithm: DigestAlgorithm) {
    const inputBytes = 1 + FAN_OUT[algorithm] * DIGEST_BYTES;
    this.input = Buffer.alloc(inputBytes, INNER_PREFIX);
    this.lastInput = Buffer.alloc(inputBytes, INNER_PREFIX);
  }

  /** Takes what still fits. @returns how many bytes */
  take(digests: Uint8Array): number {
    const bytes = Math.min(digests.length, this.input.length - this.filledBytes);
    this.input.set(bytes === digests.length ? digests : digests.subarray(0, bytes), this.filledBytes);
    this.filledBytes += bytes;
    return bytes;
  }

  nodeIfFull(): Uint8Array | null {
    if (this.filledBytes < this.input.length) return null;
    this.filledBytes = 1;
    if (this.lastNode !== null && this.input.equals(this.lastInput)) return this.lastNode;
    this.lastNode = digestOf(this.input, this.algorithm);
    [this.input, this.lastInput] = [this.lastInput, this.input];
    return this.lastNode;
  }

  /** The children of the last group; null: there are none. */
  rest(): Uint8Array | null {
    return this.filledBytes === 1 ? null : this.input.subarray(1, this.filledBytes);
  }

  /** The node of a group that is not full. */
  nodeOf(children: Uint8Array): Uint8Array {
    this.input.set(children, 1);
    return digestOf(this.input.subarray(0, 1 + children.length), this.algorithm);
  }
}
