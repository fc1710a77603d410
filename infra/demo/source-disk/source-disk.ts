import { rm, statfs } from 'node:fs/promises';
import { detachImage } from '../machine/loop-device.js';
import { mount, mountPointsUnder, unmount } from '../machine/mount-point.js';
import { commandOutput } from '../machine/run-command.js';
import { chooseFiles, planFiles, planRewrite } from './file-plan.js';
import type { FileTree } from './file-tree.js';
import { randomNumbers } from './seeded-random.js';

/** Changes as a machine in use makes them. All sizes in bytes. */
export type Mutation = {
  readonly newFiles: number;
  /** Together. */
  readonly newBytes: number;
  /** About so many bytes of files are deleted. */
  readonly deletedBytes: number;
};

/** A disk made for a migration to start from. */
export interface SourceDisk {
  /** The whole disk, such as `/dev/loop3`. */
  readonly device: string;
  readonly partitionDevice: string;
  readonly imagePath: string;
  readonly mountPoint: string;
  /** Used bytes of the file system, as `df` tells them. Needs the file system mounted. */
  usedBytes(): Promise<number>;
  /** Overwrites so many bytes of existing files where they are, and waits until they are on the disk. */
  rewriteInPlace(bytes: number): Promise<void>;
  /** Adds and deletes files, and waits until that is on the disk. */
  mutate(mutation: Mutation): Promise<void>;
  unmount(): Promise<void>;
  /** Nothing changes the disk from then on, and its journal is empty: its bytes are at rest. */
  remountReadOnly(): Promise<void>;
  /** Unmounts, detaches and deletes the image. May be called again, and in any state. */
  destroy(): Promise<void>;
}

type Places = Pick<SourceDisk, 'device' | 'partitionDevice' | 'imagePath' | 'mountPoint'>;

export class MountedSourceDisk implements SourceDisk {
  readonly device: string;
  readonly partitionDevice: string;
  readonly imagePath: string;
  readonly mountPoint: string;
  #changes = 0;

  constructor(
    places: Places,
    private readonly tree: FileTree,
  ) {
    this.device = places.device;
    this.partitionDevice = places.partitionDevice;
    this.imagePath = places.imagePath;
    this.mountPoint = places.mountPoint;
  }

  async usedBytes(): Promise<number> {
    const { blocks, bfree, bsize } = await statfs(this.mountPoint);
    return (blocks - bfree) * bsize;
  }

  async rewriteInPlace(bytes: number): Promise<void> {
    const rewrites = planRewrite(this.tree.files(), bytes);
    for (const { path, lengthBytes } of rewrites) await this.tree.rewrite(path, lengthBytes);
    await this.tree.sync();
  }

  async mutate({ newFiles, newBytes, deletedBytes }: Mutation): Promise<void> {
    this.#changes += 1;
    const change = `change-${this.#changes}`;
    const seed = `${change} ${this.tree.seed}`;
    const doomed = chooseFiles(this.tree.files(), deletedBytes, randomNumbers(seed));
    for (const { path } of doomed) await this.tree.delete(path);
    for (const { path, sizeBytes } of planFiles(seed, newFiles, newBytes)) {
      await this.tree.write({ path: `${change}/${path}`, sizeBytes });
    }
    await this.tree.sync();
  }

  async unmount(): Promise<void> {
    await unmount(this.mountPoint);
  }

  async remountReadOnly(): Promise<void> {
    const isMounted = (await mountPointsUnder(this.mountPoint)).includes(this.mountPoint);
    await mount(this.partitionDevice, this.mountPoint, isMounted ? ['remount', 'ro'] : ['ro']);
    await commandOutput('blockdev', ['--flushbufs', this.device]);
  }

  async destroy(): Promise<void> {
    await this.unmount();
    await detachImage(this);
    await rm(this.imagePath, { force: true });
    await rm(this.mountPoint, { recursive: true, force: true });
  }
}
