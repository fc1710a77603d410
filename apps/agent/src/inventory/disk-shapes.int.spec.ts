import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { clipExtents, totalBytes, usedBlocksOf } from '#libs/block-transfer';
import type { ByteRange, Disk } from '#libs/contracts';
import { collectInventory } from './collect-inventory.js';

const MIB = 1024 ** 2;
const DISK_BYTES = 64 * MIB;
const NOISE = randomBytes(4096);

const run = (program: string, args: readonly string[], input = '') =>
  execFileSync(program, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trim();

/** A disk that is being made: an image, before the kernel looks at it. */
class Shape {
  readonly #folder = mkdtempSync(join(tmpdir(), 'landfall-shape-'));
  readonly image = join(this.#folder, 'disk.img');
  #loop: string | null = null;

  constructor() {
    writeFileSync(this.image, '');
    truncateSync(this.image, DISK_BYTES);
  }

  table(text: string): void {
    run('sfdisk', ['--quiet', '--force', '--no-reread', this.image], text);
  }

  /** An ext4 with a file that fills it for the greater part. */
  ext4(startMib: number, sizeMib: number): void {
    const file = join(this.#folder, 'file');
    writeFileSync(file, randomBytes((sizeMib * MIB) / 2));
    run('mke2fs', ['-q', '-F', '-t', 'ext4', '-E', `offset=${startMib * MIB}`, this.image, `${sizeMib}M`]);
    run('debugfs', ['-w', '-R', `write ${file} file`, `${this.image}?offset=${startMib * MIB}`]);
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    const file = openSync(this.image, 'r+');
    writeSync(file, bytes, 0, bytes.length, offsetBytes);
    closeSync(file);
  }

  async disk(): Promise<Disk> {
    this.#loop = run('losetup', ['--find', '--show', this.image]);
    // Whatever the kernel refuses of a table, it shows the rest.
    execFileSync('sh', ['-c', `partx --add ${this.#loop} 2>&1 || true`]);
    const { disks } = await collectInventory({ disks: [this.#loop] });
    return disks[0] ?? expect.fail('no disk');
  }

  dispose(): void {
    if (this.#loop !== null) {
      execFileSync('sh', ['-c', `partx --delete ${this.#loop} 2>&1 || true`]);
      run('losetup', ['--detach', this.#loop]);
    }
    rmSync(this.#folder, { recursive: true });
  }
}

interface Expected {
  /** What the inventory calls the content of disk and partitions. */
  readonly types: readonly (string | null)[];
  /** In the ranges given here nothing may be free. */
  readonly kept: readonly ByteRange[];
  readonly freeMib: number;
}

const range = (startMib: number, mib: number): ByteRange => ({ offsetBytes: startMib * MIB, lengthBytes: mib * MIB });
const ALL = range(0, 64);
/** The greater part of a member's superblock of MD, version 1.0, which is behind the content. */
function raidSuperblock(sector: number): Buffer {
  const block = Buffer.alloc(512);
  const words = { 0: 0xa92b4efc, 4: 1, 72: 1, 92: 2, 144: sector, 220: 128 };
  for (const [at, value] of Object.entries(words)) block.writeUInt32LE(value, Number(at));
  NOISE.copy(block, 16, 0, 16);
  let sum = 0n;
  for (let at = 0; at < block.length; at += 4) sum += BigInt(block.readUInt32LE(at));
  block.writeUInt32LE(Number((sum & 0xffffffffn) + (sum >> 32n)), 216);
  return block;
}

const SHAPES: readonly (readonly [string, (shape: Shape) => void, Expected])[] = [
  [
    'logical partitions beside a primary one',
    (shape) => {
      shape.table('label: dos\nstart=1MiB, size=16MiB\nstart=18MiB, size=40MiB, type=f\nstart=20MiB, size=16MiB\n');
      shape.ext4(1, 16);
      shape.ext4(20, 16);
      shape.write(512, NOISE);
    },
    { types: [null, 'ext4', null, 'ext4'], kept: [range(0, 1), range(17, 3), range(36, 28)], freeMib: 8 },
  ],
  [
    'a file system of before, under the logical partitions of today',
    (shape) => {
      shape.ext4(1, 62);
      shape.table('label: dos\nstart=1MiB, size=62MiB, type=5\nstart=50MiB, size=4MiB\nstart=56MiB, size=4MiB\n');
      shape.write(50 * MIB, NOISE);
    },
    { types: [null, null, null, null], kept: [ALL], freeMib: 0 },
  ],
  [
    'partitions that overlap',
    (shape) => {
      shape.ext4(1, 48);
      shape.ext4(40, 20);
      const [first, second] = [Buffer.alloc(16), Buffer.alloc(16)];
      for (const [entry, start, size] of [[first, 1, 48] as const, [second, 40, 20] as const]) {
        entry.writeUInt8(0x83, 4);
        entry.writeUInt32LE(start * 2048, 8);
        entry.writeUInt32LE(size * 2048, 12);
      }
      shape.write(446, Buffer.concat([first, second, Buffer.alloc(32), Buffer.from([0x55, 0xaa])]));
    },
    { types: [null, 'ext4', 'ext4'], kept: [ALL], freeMib: 0 },
  ],
  ...(['first', 'second'] as const).map((which): (typeof SHAPES)[number] => [
    `a GPT whose ${which} copy is damaged`,
    (shape) => {
      shape.table('label: gpt\nstart=1MiB, size=48MiB\n');
      shape.ext4(1, 48);
      shape.write(which === 'first' ? 512 : DISK_BYTES - 512, Buffer.alloc(512));
    },
    { types: [null, 'ext4'], kept: [range(0, 1), range(49, 15)], freeMib: 12 },
  ]),
  [
    'a file system on all of the disk, with what is left of a GPT behind it',
    (shape) => {
      shape.table('label: gpt\nstart=1MiB, size=48MiB\n');
      shape.ext4(1, 48);
      shape.ext4(0, 60);
    },
    { types: ['ext4'], kept: [range(60, 4)], freeMib: 16 },
  ],
  [
    'a file system that is larger than its partition',
    (shape) => {
      shape.table('label: dos\nstart=1MiB, size=40MiB\n');
      shape.ext4(1, 62);
    },
    { types: [null, 'ext4'], kept: [ALL], freeMib: 0 },
  ],
  [
    'a member of an array, which begins with its file system',
    (shape) => {
      shape.ext4(0, 32);
      shape.write(DISK_BYTES - 8192, raidSuperblock(DISK_BYTES / 512 - 16));
    },
    { types: ['linux_raid_member'], kept: [ALL], freeMib: 0 },
  ],
  [
    'LUKS in front of the file system that it encrypts',
    (shape) => {
      shape.ext4(0, 60);
      shape.write(0, Buffer.from('LUKS\xba\xbe\x00\x01', 'latin1'));
    },
    { types: ['crypto_LUKS'], kept: [ALL], freeMib: 0 },
  ],
  [
    'a whole disk inside of a partition',
    (shape) => {
      shape.table('label: gpt\nstart=1MiB, size=60MiB\n');
      shape.ext4(2, 32);
      const entry = Buffer.alloc(66);
      entry.writeUInt8(0x83, 4);
      entry.writeUInt32LE(2048, 8);
      entry.writeUInt32LE(32 * 2048, 12);
      entry.writeUInt16LE(0xaa55, 64);
      shape.write(MIB + 446, entry);
    },
    { types: [null, null], kept: [ALL], freeMib: 0 },
  ],
];

/** Needs root, for loop devices. */
describe.skipIf(process.getuid?.() !== 0)('the used blocks of a disk, as the inventory finds it', () => {
  let shape: Shape | null = null;
  afterEach(() => {
    shape?.dispose();
    shape = null;
  });

  it.each(SHAPES)('are right: %s', async (_, make, { types, kept, freeMib }) => {
    shape = new Shape();
    make(shape);
    const disk = await shape.disk();
    expect(
      [disk.fileSystem, ...disk.partitions.map(({ fileSystem }) => fileSystem)].map((one) => one?.type ?? null),
    ).toEqual(types);
    const used = await usedBlocksOf(disk);
    for (const one of kept) expect(clipExtents(used.extents, one)).toEqual([one]);
    // Half of each file system is full, and a tenth is its own.
    const freeBytes = DISK_BYTES - totalBytes(used.extents);
    expect(freeBytes).toBeGreaterThanOrEqual(freeMib * MIB);
    expect(freeBytes).toBeLessThanOrEqual(freeMib * 2 * MIB);
  });
});
