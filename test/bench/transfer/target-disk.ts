import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  alignedBuffer,
  DIGEST_BLOCK_BYTES,
  digestDisk,
  digestOfBlock,
  DigestTable,
  DigestTableFile,
  endOf,
  invertExtents,
  openSourceDisk,
  splitExtents,
} from '#libs/block-transfer';
import type { ByteRange, DigestAlgorithm } from '#libs/contracts';
import { fillRandom, MIB, writeRandom } from './source-disks.js';

const MARK_BYTES = 512;
const PIECE_BYTES = 4 * MIB;
const READS_IN_FLIGHT = 4;

/**
 * The target of every copy: one file that exists in full and is overwritten in place. A file that is written for the
 * first time costs a virtual machine up to five times as much, and in no steady way.
 */
export class TargetDisk {
  readonly path: string;
  private readonly marks: Buffer;

  private constructor(
    folder: string,
    readonly sizeBytes: number,
  ) {
    this.path = join(folder, 'target.img');
    this.marks = Buffer.alloc(MARK_BYTES, 'differs ');
  }

  static async create(folder: string, sizeBytes: number): Promise<TargetDisk> {
    const target = new TargetDisk(folder, sizeBytes);
    await writeRandom(target.path, sizeBytes);
    return target;
  }

  /** Changes a sector in every block, so that a block that is left out cannot be right by accident. */
  async spoilEveryBlock(): Promise<void> {
    const file = await open(this.path, 'r+');
    // rsync cuts a target down to the size of its source.
    const { size } = await file.stat();
    if (size < this.sizeBytes) await fillRandom(file, size, this.sizeBytes - size);
    for (let offset = 0; offset < this.sizeBytes; offset += DIGEST_BLOCK_BYTES) {
      await file.write(this.marks, 0, MARK_BYTES, offset);
    }
    await file.close();
  }

  /** Overwrites ranges with the same garbage every time. */
  async spoil(ranges: readonly ByteRange[], garbage: Uint8Array): Promise<void> {
    const file = await open(this.path, 'r+');
    for (const range of ranges) {
      for (let done = 0; done < range.lengthBytes; done += garbage.length) {
        const bytes = Math.min(garbage.length, range.lengthBytes - done);
        await file.write(garbage, 0, bytes, range.offsetBytes + done);
      }
    }
    await file.close();
  }

  /** Fills ranges anew: a copy that punches holes gives their pages back. */
  async refill(ranges: readonly ByteRange[]): Promise<void> {
    const file = await open(this.path, 'r+');
    for (const { offsetBytes, lengthBytes } of ranges) await fillRandom(file, offsetBytes, lengthBytes);
    await file.close();
  }

  /** Makes it the same as a source's image. */
  async becomes(imagePath: string): Promise<void> {
    const [image, file] = [await open(imagePath, 'r'), await open(this.path, 'r+')];
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let offset = 0; offset < this.sizeBytes; offset += PIECE_BYTES) {
      const { bytesRead } = await image.read(piece, 0, PIECE_BYTES, offset);
      await file.write(piece, 0, bytesRead, offset);
    }
    await image.close();
    await file.close();
  }

  /** Throws at the first difference in these ranges. */
  async expectSame(imagePath: string, ranges: readonly ByteRange[]): Promise<void> {
    const [image, file] = [await open(imagePath, 'r'), await open(this.path, 'r')];
    const [wanted, found] = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)];
    try {
      for (const range of ranges) {
        for (let offset = range.offsetBytes; offset < endOf(range); offset += PIECE_BYTES) {
          const bytes = Math.min(PIECE_BYTES, endOf(range) - offset);
          await image.read(wanted, 0, bytes, offset);
          await file.read(found, 0, bytes, offset);
          if (wanted.compare(found, 0, bytes, 0, bytes) !== 0) throw new Error(`the target differs behind ${offset}`);
        }
      }
    } finally {
      await image.close();
      await file.close();
    }
  }

  /** Stores the digest table that an agent would have of what the target holds now, and gives it. */
  async storeTable(path: string, generation: string, algorithm: DigestAlgorithm): Promise<DigestTable> {
    const table = DigestTable.unknown(this.sizeBytes, algorithm);
    await digestDisk(this.path, { algorithm, onDigests: (first, digests) => table.enter(first, digests) });
    const journal = await new DigestTableFile(path).begin(table, generation);
    await journal.end();
    return table;
  }

  /** A table of which these blocks are taken from what the target holds now. */
  async digestAnew(before: DigestTable, ranges: readonly ByteRange[]): Promise<DigestTable> {
    const table = DigestTable.unknown(before.diskBytes, before.algorithm);
    table.copyFrom(before);
    const disk = await openSourceDisk(this.path);
    // As many reads in flight as a restorer has when it digests a disk.
    const blocks = splitExtents(ranges, DIGEST_BLOCK_BYTES);
    const lane = async (slot: Uint8Array): Promise<void> => {
      for (let next = blocks.next(); next.done !== true; next = blocks.next()) {
        const { offsetBytes } = next.value;
        const index = offsetBytes / DIGEST_BLOCK_BYTES;
        const content = slot.subarray(0, table.blockBytes(index));
        await disk.read(content, offsetBytes);
        table.set(index, digestOfBlock(content, table.algorithm));
      }
    };
    await Promise.all(Array.from({ length: READS_IN_FLIGHT }, () => lane(alignedBuffer(DIGEST_BLOCK_BYTES))));
    await disk.close();
    return table;
  }

  everything(): ByteRange[] {
    return [{ offsetBytes: 0, lengthBytes: this.sizeBytes }];
  }

  besides(ranges: readonly ByteRange[]): ByteRange[] {
    return invertExtents(ranges, this.sizeBytes);
  }
}
