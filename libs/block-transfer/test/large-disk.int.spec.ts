import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_BLOCK_BYTES, digestOfBlock, DigestTree, endOf } from '#libs/block-transfer';
import { fillWithGarbage } from './garbage.js';
import { FORGOTTEN_PER_GIB, type LargeDiskReport } from './large-disk.order.js';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const DISK_BYTES = 2 * TIB;
/** Its digests take 1 GiB. */
const BLOCKS = DISK_BYTES / DIGEST_BLOCK_BYTES;
/** It takes 160 to 190, as it does for a disk of 160 GiB; most of that is what Node has not given back yet. */
const MOST_BYTES = 300 * MIB;
/** At both ends and in between. */
const USED = [0, TIB / 2, TIB, DISK_BYTES - 100 * MIB].map((offsetBytes) => ({ offsetBytes, lengthBytes: 24 * MIB }));
/** The agent keeps its heap small in this way; left alone, V8 leaves garbage lying about, as much as the machine is slow. */
const LIKE_AN_AGENT = ['--semi-space-growth-factor=1', '--optimize-for-size'];
/** Compiled: Node cannot run all of the sources as they are. */
const PROGRAM = fileURLToPath(new URL('../../../dist/libs/block-transfer/test/large-disk.program.js', import.meta.url));

describe('a disk of terabytes', () => {
  let folder: string;
  let source: string;
  let target: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-large-'));
    [source, target] = [join(folder, 'source'), join(folder, 'target')];
    await fillWithGarbage(source, USED);
    await fillWithGarbage(target, [{ offsetBytes: 3 * MIB, lengthBytes: MIB }]);
    for (const path of [source, target]) await truncate(path, DISK_BYTES);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('takes a bounded memory in rounds of every kind, which leave it as it is on the target', async () => {
    const order = { diskBytes: DISK_BYTES, source, target, tableFile: join(folder, 'table'), used: USED };
    const rootBefore = await rootOf(source);
    const { stdout } = await promisify(execFile)(process.execPath, [...LIKE_AN_AGENT, PROGRAM, JSON.stringify(order)]);
    const report = JSON.parse(stdout) as LargeDiskReport;
    const rootAfter = await rootOf(target);
    expect(rootAfter).toBe(await rootOf(source));
    expect(report.rootDigests).toEqual([rootBefore, rootAfter, rootAfter]);
    expect(report.sentBytes[0]).toBeGreaterThanOrEqual(4 * 24 * MIB);
    expect(report.sentBytes.slice(1)).toEqual([(1 + 2 * FORGOTTEN_PER_GIB) * DIGEST_BLOCK_BYTES, 0]);
    expect(report.repairedBytes).toBe(0);
    expect(report.peakBytes).toBeLessThan(MOST_BYTES);
  }, 600_000);

  /** By reading what is used, and with zeros elsewhere. */
  async function rootOf(path: string): Promise<string> {
    const zero = digestOfBlock(new Uint8Array(DIGEST_BLOCK_BYTES), 'blake3');
    const zeros = Buffer.concat(Array.from({ length: 1024 }, () => zero));
    const tree = new DigestTree('blake3', DISK_BYTES);
    const file = await open(path, 'r');
    const block = Buffer.alloc(DIGEST_BLOCK_BYTES);
    let index = 0;
    const pushZerosTo = (end: number): void => {
      for (; index < end; index += Math.min(1024, end - index)) tree.push(zeros.subarray(0, (end - index) * 32));
    };
    for (const range of USED) {
      pushZerosTo(range.offsetBytes / DIGEST_BLOCK_BYTES);
      for (; index * DIGEST_BLOCK_BYTES < endOf(range); index += 1) {
        await file.read(block, 0, block.length, index * DIGEST_BLOCK_BYTES);
        tree.push(digestOfBlock(block, 'blake3'));
      }
    }
    pushZerosTo(BLOCKS);
    await file.close();
    return Buffer.from(tree.root()).toString('hex');
  }
});
