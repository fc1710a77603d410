import { open, rename } from 'node:fs/promises';

const IMAGE_MODE = 0o600;

/**
 * Makes a disk image that reads as zeros, sparse, for its owner only. It is there with its full size or not at all: one
 * that was cut short would be taken for a disk of another size from then on.
 */
export async function createImage(path: string, sizeBytes: number): Promise<void> {
  const unfinished = `${path}.new`;
  const image = await open(unfinished, 'w', IMAGE_MODE);
  try {
    await image.truncate(sizeBytes);
    await image.sync();
  } finally {
    await image.close();
  }
  await rename(unfinished, path);
}
