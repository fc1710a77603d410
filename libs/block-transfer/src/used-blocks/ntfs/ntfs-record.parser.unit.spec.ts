import { describe, expect, it } from 'vitest';
import { MapDoubt } from '../map-doubt.js';
import { isNtfsLogClean, NTFS_RESTART_AREA_BYTES } from './ntfs-log.js';
import { parseNtfsRecord, parseNtfsRuns } from './ntfs-record.parser.js';

describe('parseNtfsRuns', () => {
  it('adds distances, which may go back', () => {
    const bytes = Buffer.from([0x21, 0x18, 0x34, 0x56, 0x11, 0x02, 0xf0, 0x00]);
    expect(parseNtfsRuns(bytes)).toEqual([
      { cluster: 0x5634, clusters: 0x18 },
      { cluster: 0x5624, clusters: 2 },
    ]);
  });

  it.each([
    ['a sparse run', [0x01, 0x18, 0x00]],
    ['no end', [0x11, 0x18, 0x10]],
    ['a run that is cut off', [0x42, 0x18]],
    ['no clusters', [0x11, 0x00, 0x10, 0x00]],
    ['a cluster before the first', [0x11, 0x01, 0xf0, 0x00]],
  ])('doubts %s', (_name, bytes) => {
    expect(() => parseNtfsRuns(Buffer.from(bytes))).toThrow(MapDoubt);
  });
});

describe('parseNtfsRecord', () => {
  const record = (): Buffer => {
    const bytes = Buffer.alloc(1024);
    bytes.write('FILE', 0, 'latin1');
    bytes.writeUInt16LE(48, 4);
    bytes.writeUInt16LE(3, 6);
    bytes.writeUInt16LE(56, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt32LE(0x70, 56);
    bytes.writeUInt32LE(40, 60);
    bytes.writeUInt32LE(12, 56 + 16);
    bytes.writeUInt16LE(24, 56 + 20);
    bytes.writeUInt32LE(0xffffffff, 96);
    // The number, and what was really at the end of both sectors.
    bytes.writeUInt16LE(7, 48);
    bytes.writeUInt16LE(7, 510);
    bytes.writeUInt16LE(7, 1022);
    return bytes;
  };

  it('finds attributes', () => {
    expect(parseNtfsRecord(record())).toEqual([{ type: 0x70, isResident: true, value: Buffer.alloc(12) }]);
  });

  it.each([
    ['a sector that was not written', (bytes: Buffer) => bytes.writeUInt16LE(6, 510)],
    ['a record that is not in use', (bytes: Buffer) => bytes.writeUInt16LE(0, 22)],
    ['a continued record', (bytes: Buffer) => bytes.writeUInt32LE(0x20, 56)],
    ['an attribute that leads out of it', (bytes: Buffer) => bytes.writeUInt32LE(2000, 60)],
    ['attributes that begin outside of it', (bytes: Buffer) => bytes.writeUInt16LE(0xffff, 20)],
    ['attributes that begin in its last bytes', (bytes: Buffer) => bytes.writeUInt16LE(1020, 20)],
    [
      'an attribute that has its value elsewhere, and is too short to say where',
      (bytes: Buffer) => bytes.writeUInt8(1, 64),
    ],
    ['no magic number', (bytes: Buffer) => bytes.write('BAAD', 0, 'latin1')],
  ])('doubts %s', (_name, damage) => {
    const bytes = record();
    damage(bytes);
    expect(() => parseNtfsRecord(bytes)).toThrow(MapDoubt);
  });
});

describe('isNtfsLogClean', () => {
  const page = (sequence: bigint, client: number, flags: number): Buffer => {
    const bytes = Buffer.alloc(4096);
    bytes.write('RSTR', 0, 'latin1');
    bytes.writeUInt16LE(30, 4);
    bytes.writeUInt16LE(9, 6);
    bytes.writeUInt32LE(4096, 16);
    bytes.writeUInt16LE(48, 24);
    bytes.writeBigUInt64LE(sequence, 48);
    bytes.writeUInt16LE(client, 60);
    bytes.writeUInt16LE(flags, 62);
    return bytes;
  };
  const OPEN = 0;
  const CLOSED = 0xffff;

  it('goes by the newer page', () => {
    expect(isNtfsLogClean(Buffer.concat([page(1n, OPEN, 0), page(2n, CLOSED, 0)]))).toBe(true);
    expect(isNtfsLogClean(Buffer.concat([page(3n, OPEN, 0), page(2n, CLOSED, 0)]))).toBe(false);
    expect(isNtfsLogClean(Buffer.concat([page(3n, OPEN, 2), page(2n, OPEN, 0)]))).toBe(true);
  });

  it('is clean when Linux has overwritten it, and not when it is anything else', () => {
    expect(isNtfsLogClean(Buffer.alloc(NTFS_RESTART_AREA_BYTES, 0xff))).toBe(true);
    expect(isNtfsLogClean(Buffer.alloc(NTFS_RESTART_AREA_BYTES))).toBe(false);
  });
});
