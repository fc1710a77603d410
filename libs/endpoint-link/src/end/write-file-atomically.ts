import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a small file so that after a crash at any moment it holds its old or its new content in full.
 * One writer at a time. @param mode of the new file
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const newPath = `${path}.new`;
  // Left behind by a crash, perhaps with another mode.
  await rm(newPath, { force: true });
  const file = await open(newPath, 'wx', mode);
  try {
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(newPath, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
