import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../endpoint-failure.js';

/** Opens a file for reading; null when there is none. */
export async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Puts a file in place in one step, durably: whoever looks at any moment, after a power loss too, finds the old one or
 * the new one. `write` gets an empty file. The handle stays open and is the caller's; at a failure it is closed.
 */
export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<FileHandle> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await write(file);
    await file.sync();
    await rename(temporary, path);
    await syncDirectoryOf(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Removes files durably, if they are there: all of one directory. */
export async function removeFiles(...paths: [string, ...string[]]): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
  await syncDirectoryOf(paths[0]);
}

/** Fills `target` from `position` on. False at an early end of the file. */
export async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<boolean> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

/** Makes durable that a file was put in its place, or removed. */
export async function syncDirectoryOf(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
