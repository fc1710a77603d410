import { createHash } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../endpoint-failure.js';
import { DIGEST_ALGORITHM, DIGEST_BYTES } from './block-digest.js';
import { encodeTableHeader, tableFileBytes } from './digest-table.codec.js';
import { DigestTable } from './digest-table.js';

const IO_BYTES = 4 * 1024 * 1024;

/** `none`: there never was a table; `kept`: it can be relied on; `lost`: there was one, and it cannot. */
export type BaselineState = 'none' | 'kept' | 'lost';

/**
 * The digests of one target disk, kept on the agent's own disk between rounds and restarts.
 *
 * The table says what the *target* holds, so it is only worth something while the target has not been written since.
 * A round writes to the target all the time, and its entries reach this file at the end of the round. Were the agent
 * to crash in between, the target would be newer than the table: a block that the round wrote as B is still listed
 * with digest A. Should the source change that block back to A before the next round, the comparison would say
 * "equal" and the target would keep B for ever. Hence {@link markDirty} before a round's first write: a marker file
 * beside the table, on disk before the write is. While it is there, the table is `lost`, and only {@link save}, which
 * stores what the round knows, takes it away.
 */
export class DigestTableFile {
  private readonly markerPath: string;
  private readonly temporaryPath: string;

  constructor(private readonly path: string) {
    this.markerPath = `${path}.dirty`;
    this.temporaryPath = `${path}.new`;
  }

  /**
   * The stored table, if it is whole, of this disk size and of this generation, and no round was interrupted since.
   * Anything else is `lost`, never an error: a lost baseline costs time, not correctness. Errors of the file system
   * itself (no permission, say) are thrown.
   */
  async load(expected: {
    diskBytes: number;
    generation: string;
  }): Promise<{ table: DigestTable | null; baseline: BaselineState }> {
    if (await exists(this.markerPath)) return { table: null, baseline: 'lost' };
    if (!(await exists(this.path))) return { table: null, baseline: 'none' };
    const file = await open(this.path, 'r');
    try {
      const table = await readTable(file, expected);
      return table === null ? { table, baseline: 'lost' } : { table, baseline: 'kept' };
    } finally {
      await file.close();
    }
  }

  /** From here on the table is not trusted, until the next {@link save}. Durable when it returns. */
  async markDirty(generation: string): Promise<void> {
    const marker = await open(this.markerPath, 'w', 0o600);
    try {
      await marker.writeFile(`${generation}\n`);
      await marker.sync();
    } finally {
      await marker.close();
    }
    await syncDirectoryOf(this.path);
  }

  /** Replaces the stored table in one step and takes the dirty mark away. Unknown entries are kept as such. */
  async save(table: DigestTable, generation: string): Promise<void> {
    const file = await open(this.temporaryPath, 'w', 0o600);
    try {
      await writeTable(file, table, generation);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(this.temporaryPath, this.path);
    // The new table must be on disk before the marker may go: in the other order a crash could bring back the old one.
    await syncDirectoryOf(this.path);
    await rm(this.markerPath, { force: true });
    await syncDirectoryOf(this.path);
  }
}

async function writeTable(file: FileHandle, table: DigestTable, generation: string): Promise<void> {
  const digest = createHash(DIGEST_ALGORITHM);
  const put = async (bytes: Uint8Array): Promise<void> => {
    digest.update(bytes);
    await file.writeFile(bytes);
  };
  await put(encodeTableHeader({ diskBytes: table.diskBytes, generation }));
  const entries = table.raw();
  for (let offset = 0; offset < entries.length; offset += IO_BYTES) {
    await put(entries.subarray(offset, offset + IO_BYTES));
  }
  await file.writeFile(digest.digest());
}

async function readTable(
  file: FileHandle,
  expected: { diskBytes: number; generation: string },
): Promise<DigestTable | null> {
  const wantedHeader = encodeTableHeader(expected);
  if ((await file.stat()).size !== tableFileBytes(expected)) return null;
  const header = Buffer.alloc(wantedHeader.length);
  if (!(await readFully(file, header, 0)) || !header.equals(wantedHeader)) return null;
  const digest = createHash(DIGEST_ALGORITHM).update(header);
  const table = DigestTable.unknown(expected.diskBytes);
  const entries = table.raw();
  for (let offset = 0; offset < entries.length; offset += IO_BYTES) {
    const part = entries.subarray(offset, offset + IO_BYTES);
    if (!(await readFully(file, part, header.length + offset))) return null;
    digest.update(part);
  }
  const stored = Buffer.alloc(DIGEST_BYTES);
  if (!(await readFully(file, stored, header.length + entries.length))) return null;
  return digest.digest().equals(stored) ? table : null;
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<boolean> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function syncDirectoryOf(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
