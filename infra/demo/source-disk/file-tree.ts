import { chmod, link, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commandOutput } from '../machine/run-command.js';
import type { PlannedFile } from './file-plan.js';
import { type RandomContent, randomContent } from './seeded-random.js';

const WRITE_BYTES = 1024 * 1024;
const SPARSE_BYTES = 16 * WRITE_BYTES;
/** Oddities are kept out of the way of changes. */
const ODDITIES = 'odd';

/** The files of a mounted source disk, and the seeded stream that all their content comes from. */
export class FileTree {
  readonly #content: RandomContent;
  readonly #sizes = new Map<string, number>();
  readonly #folders = new Set<string>();

  constructor(
    private readonly root: string,
    readonly seed: string,
  ) {
    this.#content = randomContent(`content ${seed}`);
  }

  /** Ordinary files, in the order in which they were written. */
  files(): readonly PlannedFile[] {
    return [...this.#sizes].map(([path, sizeBytes]) => ({ path, sizeBytes }));
  }

  async write({ path, sizeBytes }: PlannedFile): Promise<void> {
    const folder = dirname(path);
    if (!this.#folders.has(folder)) {
      await mkdir(join(this.root, folder), { recursive: true });
      this.#folders.add(folder);
    }
    await this.#put(path, 'w', sizeBytes);
    this.#sizes.set(path, sizeBytes);
  }

  /** Puts new content in the place of the file's first bytes; the file system keeps its blocks. */
  async rewrite(path: string, lengthBytes: number): Promise<void> {
    await this.#put(path, 'r+', lengthBytes);
  }

  async delete(path: string): Promise<void> {
    await rm(join(this.root, path));
    this.#sizes.delete(path);
  }

  /** What a file system has beside plain files: links, a hole, other rights, a long name, an empty folder. */
  async addOddities(): Promise<void> {
    const at = (name: string) => join(this.root, ODDITIES, name);
    await mkdir(at('empty-folder'), { recursive: true });
    await writeFile(at('original'), this.#content(5000));
    await link(at('original'), at('hard-link'));
    await symlink('original', at('symbolic-link'));
    await symlink('/nowhere/at/all', at('dangling-link'));
    await writeFile(at('x'.repeat(255)), this.#content(100));
    await writeFile(at('secret'), this.#content(2000));
    await chmod(at('secret'), 0o4600);
    const sparse = await open(at('sparse'), 'w');
    await sparse.write(this.#content(WRITE_BYTES), 0, WRITE_BYTES, SPARSE_BYTES);
    await sparse.close();
  }

  /** Waits until everything is on the disk. */
  async sync(): Promise<void> {
    await commandOutput('sync', ['--file-system', this.root]);
  }

  async #put(path: string, flags: 'w' | 'r+', lengthBytes: number): Promise<void> {
    const file = await open(join(this.root, path), flags);
    try {
      for (let written = 0; written < lengthBytes; written += WRITE_BYTES) {
        const size = Math.min(WRITE_BYTES, lengthBytes - written);
        await file.write(this.#content(size), 0, size, written);
      }
    } finally {
      await file.close();
    }
  }
}
