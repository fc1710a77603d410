import { describe, expect, it } from 'vitest';
import type { XfsGeometry } from './xfs-superblock.parser.js';
import { isXfsLogClean } from './xfs-log.js';

const SECTOR = 512;
const LOG_SECTORS = 64;
const geometry: XfsGeometry = {
  ...{ hasChecksums: true, blockBytes: 4096, sectorBytes: SECTOR, blocks: 100, groupBlocks: 100, groups: 1 },
  ...{ logStartBytes: 4096, logBytes: LOG_SECTORS * SECTOR },
};

/** A log in turn `turn` up to `head`, with a record of one operation in front of it. */
function logOf({ head = 10, turn = 5, flags = 0x20, operations = 1, contentBytes = 512 } = {}): Buffer {
  const disk = Buffer.alloc(4096 + LOG_SECTORS * SECTOR);
  const log = disk.subarray(4096);
  for (let sector = 0; sector < LOG_SECTORS; sector += 1) {
    log.writeUInt32BE(sector < head ? turn : turn - 1, sector * SECTOR);
  }
  const record = (head - 1) * SECTOR - Math.ceil(contentBytes / SECTOR) * SECTOR;
  log.writeUInt32BE(0xfeedbabe, record);
  log.writeUInt32BE(turn, record + 4);
  log.writeUInt32BE(2, record + 8);
  log.writeUInt32BE(contentBytes, record + 12);
  log.writeUInt32BE(operations, record + 40);
  log.writeUInt32BE(32_768, record + 320);
  log.writeUInt8(flags, record + SECTOR + 9);
  return disk;
}

const isClean = (disk: Buffer): Promise<boolean> =>
  isXfsLogClean(
    {
      startBytes: 0,
      sizeBytes: disk.length,
      read: async (offsetBytes, lengthBytes) => Buffer.from(disk.subarray(offsetBytes, offsetBytes + lengthBytes)),
    },
    geometry,
  );

describe('isXfsLogClean', () => {
  it.each([
    ['in the middle', {}],
    ['in the first turn', { turn: 1 }],
    ['at the end of the log', { head: LOG_SECTORS }],
    ['with a longer record', { contentBytes: 4000 }],
  ])('is clean when the last record says unmounted: %s', async (_name, log) => {
    expect(await isClean(logOf(log))).toBe(true);
  });

  it('is not when something was written behind it', async () => {
    const disk = logOf();
    disk.writeUInt32BE(5, 4096 + 10 * SECTOR);
    expect(await isClean(disk)).toBe(false);
  });

  it('is not when the turns are out of order, as after a torn write', async () => {
    const disk = logOf();
    disk.writeUInt32BE(5, 4096 + 30 * SECTOR);
    expect(await isClean(disk)).toBe(false);
  });

  it.each([
    ['says something else', { flags: 0x02 }],
    ['says more', { operations: 2 }],
  ])('is not when the last record %s', async (_name, log) => {
    expect(await isClean(logOf(log))).toBe(false);
  });

  it('is not when there is no record', async () => {
    expect(await isClean(Buffer.alloc(4096 + LOG_SECTORS * SECTOR))).toBe(false);
  });
});
