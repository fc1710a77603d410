import { execFileSync } from 'node:child_process';
import { randomBytes, createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;
export const SOURCE_BYTES = 128 * MIB;
/** One partition, from the first MiB on. */
const PARTITION_START_BYTES = MIB;

const run = (program: string, ...given: string[]): string => execFileSync(program, given, { encoding: 'utf8' }).trim();

/** A real source: a loop device with a partition table and one mounted ext4, partly filled, with dirty free blocks. */
export class SourceMachine {
  readonly device: string;
  readonly mountPoint: string;

  constructor(folder: string) {
    const image = join(folder, 'source.img');
    closeSync(openSync(image, 'w'));
    truncateSync(image, SOURCE_BYTES);
    execFileSync('sfdisk', ['--quiet', image], { input: 'label: gpt\nstart=2048\n' });
    this.device = run('losetup', '--find', '--show', image);
    run('partx', '--add', this.device);
    run('mkfs.ext4', '-q', `${this.device}p1`);
    this.mountPoint = join(folder, 'source');
    mkdirSync(this.mountPoint);
    run('mount', `${this.device}p1`, this.mountPoint);
    for (let index = 0; index < 40; index += 1) writeFileSync(join(this.mountPoint, `file-${index}`), randomBytes(MIB));
    for (let index = 0; index < 40; index += 2) rmSync(join(this.mountPoint, `file-${index}`));
    run('sync', '--file-system', this.mountPoint);
  }

  /** Overwrites a file in place. */
  rewrite(name: string, bytes: number): void {
    const file = openSync(join(this.mountPoint, name), 'r+');
    writeSync(file, randomBytes(bytes));
    closeSync(file);
  }

  /** `fsfreeze` refuses to thaw what is not frozen. */
  isFrozen(): boolean {
    try {
      execFileSync('fsfreeze', ['--unfreeze', this.mountPoint], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  remove(): void {
    run('umount', this.mountPoint);
    run('partx', '--delete', this.device);
    run('losetup', '--detach', this.device);
  }
}

/** SHA-256 of every file of a folder, by name. */
export function digestsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.startsWith('file-'));
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(names.sort().map((name) => [name, digest(name)]));
}

/** Checks the file system in a target image, and digests its files. The image itself is not changed. */
export function examineTarget(image: string, folder: string): Record<string, string> {
  const device = run('losetup', '--find', '--show', '--read-only', '--offset', String(PARTITION_START_BYTES), image);
  const mountPoint = join(folder, 'target');
  mkdirSync(mountPoint, { recursive: true });
  try {
    // `noload`: the journal of a source that is in use is not replayed on a device that cannot be written.
    run('mount', '-o', 'ro,noload', device, mountPoint);
    try {
      return digestsIn(mountPoint);
    } finally {
      run('umount', mountPoint);
    }
  } finally {
    run('losetup', '--detach', device);
  }
}
