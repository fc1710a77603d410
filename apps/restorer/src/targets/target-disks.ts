import { createImage, EndpointFailure } from '#libs/block-transfer';
import { open, stat } from 'node:fs/promises';
import type { TargetDisk } from '../config/restorer-config.js';

/** A disk as an assignment names it. */
export interface WantedDisk {
  readonly diskId: string;
  readonly sizeBytes: number;
}

/** The disks of this target. They are made once; after that, no size is ever changed here. */
export class TargetDisks {
  readonly #disks: ReadonlyMap<string, TargetDisk>;

  constructor(disks: readonly TargetDisk[]) {
    this.#disks = new Map(disks.map((disk) => [disk.diskId, disk]));
  }

  /**
   * Creates the images that are missing, sparse, and checks the others.
   * @throws EndpointFailure `TARGET_DISK_MISSING`
   */
  async prepare(): Promise<void> {
    for (const disk of this.#disks.values()) await prepareImage(disk);
  }

  /**
   * The disks that an assignment wants, in its order, as far as they are wanted: one may be larger than its source.
   * @throws EndpointFailure `TARGET_DISK_MISSING` when one is unknown here or too small
   */
  find(wanted: readonly WantedDisk[]): readonly TargetDisk[] {
    return wanted.map(({ diskId, sizeBytes }) => {
      const disk = this.#disks.get(diskId);
      if (disk === undefined) throw new EndpointFailure('TARGET_DISK_MISSING', `This target has no disk ${diskId}.`);
      if (disk.sizeBytes < sizeBytes) {
        throw new EndpointFailure(
          'TARGET_DISK_MISSING',
          `Disk ${diskId} has ${disk.sizeBytes} bytes here; ${sizeBytes} are needed.`,
        );
      }
      return { ...disk, sizeBytes };
    });
  }

  /** Everything written to any of the disks is on stable storage afterwards. */
  async flush(): Promise<void> {
    for (const { path } of this.#disks.values()) {
      const image = await open(path, 'r+');
      try {
        await image.sync();
      } finally {
        await image.close();
      }
    }
  }
}

async function prepareImage({ diskId, path, sizeBytes }: TargetDisk): Promise<void> {
  const present = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (present === null) {
    await createImage(path, sizeBytes);
    return;
  }
  if (!present.isFile()) throw new EndpointFailure('TARGET_DISK_MISSING', `${path} (${diskId}) is not a disk image.`);
  if (present.size !== sizeBytes) {
    throw new EndpointFailure(
      'TARGET_DISK_MISSING',
      `${path} (${diskId}) has ${present.size} bytes instead of ${sizeBytes}; it is left as it is.`,
    );
  }
}
