import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { DIGEST_BYTES } from './block-digest.js';
import {
  encodeTableHeader,
  SEQUENCE_END_OFFSET,
  sequenceOfTable,
  tableFileBytes,
  type TableHeader,
} from './digest-table.codec.js';
import { DigestTable } from './digest-table.js';
import { openIfThere, readFully, replaceFile } from './durable-files.js';

const IO_BYTES = 4 * 1024 * 1024;

/** A table as it lies in its file. */
export interface StoredTable {
  readonly table: DigestTable;
  readonly sequence: number;
  /** The digest at the end of the file: it names this very table. */
  readonly digest: Buffer;
}

/** `none`: there is no file; `unusable`: it is damaged, or of another disk, generation or digest algorithm. */
export async function readTable(path: string, expected: TableHeader): Promise<StoredTable | 'none' | 'unusable'> {
  const file = await openIfThere(path);
  if (file === null) return 'none';
  try {
    return (await readWhole(file, expected)) ?? 'unusable';
  } finally {
    await file.close();
  }
}

/** Sequence number and digest by the file alone, neither checked; null when there is no such file. */
export async function readTableName(path: string): Promise<{ sequence: number; digest: Buffer } | null> {
  const file = await openIfThere(path);
  if (file === null) return null;
  try {
    const start = Buffer.alloc(SEQUENCE_END_OFFSET);
    const digest = Buffer.alloc(DIGEST_BYTES);
    const { size } = await file.stat();
    if (!(await readFully(file, start, 0)) || !(await readFully(file, digest, size - DIGEST_BYTES))) return null;
    const sequence = sequenceOfTable(start);
    return sequence === null ? null : { sequence, digest };
  } finally {
    await file.close();
  }
}

/** Replaces the stored table in one step, durably. Unknown entries are kept as such. Gives its digest. */
export async function writeTable(
  path: string,
  table: DigestTable,
  { generation, sequence }: { generation: string; sequence: number },
): Promise<Buffer> {
  const hash = createHash('sha256');
  let digest = Buffer.alloc(0);
  const file = await replaceFile(path, async (handle) => {
    for (const part of partsOf(table, generation, sequence)) {
      hash.update(part);
      await handle.writeFile(part);
    }
    digest = hash.digest();
    await handle.writeFile(digest);
  });
  await file.close();
  return digest;
}

/** The digest that a file of this table would have. */
export function digestOfTable(
  table: DigestTable,
  { generation, sequence }: { generation: string; sequence: number },
): Buffer {
  const hash = createHash('sha256');
  for (const part of partsOf(table, generation, sequence)) hash.update(part);
  return hash.digest();
}

function* partsOf(table: DigestTable, generation: string, sequence: number): Generator<Uint8Array> {
  yield encodeTableHeader({ diskBytes: table.diskBytes, algorithm: table.algorithm, generation }, sequence);
  yield* table.parts(IO_BYTES);
}

async function readWhole(file: FileHandle, expected: TableHeader): Promise<StoredTable | null> {
  if ((await file.stat()).size !== tableFileBytes(expected)) return null;
  const header = Buffer.alloc(encodeTableHeader(expected, 0).length);
  if (!(await readFully(file, header, 0))) return null;
  const sequence = sequenceOfTable(header);
  if (sequence === null || !header.equals(encodeTableHeader(expected, sequence))) return null;
  const hash = createHash('sha256').update(header);
  const table = DigestTable.unknown(expected.diskBytes, expected.algorithm);
  const isWhole = await table.fill(IO_BYTES, async (part, offset) => {
    if (!(await readFully(file, part, header.length + offset))) return false;
    hash.update(part);
    return true;
  });
  const digest = Buffer.alloc(DIGEST_BYTES);
  if (!isWhole || !(await readFully(file, digest, tableFileBytes(expected) - DIGEST_BYTES))) return null;
  return hash.digest().equals(digest) ? { table, sequence, digest } : null;
}
