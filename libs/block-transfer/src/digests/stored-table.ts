import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../endpoint-failure.js';
import { DIGEST_BYTES } from './block-digest.js';
import {
  encodeTableHeader,
  SEQUENCE_END_OFFSET,
  sequenceOfTable,
  tableFileBytes,
  type TableHeader,
} from './digest-table.codec.js';
import type { PageBounds } from './digest-pages.js';
import { blocksOfDisk, DigestTable, knownEntriesIn } from './digest-table.js';
import { openIfThere, readFully, syncDirectoryOf } from './durable-files.js';
import { EventLoopTurns } from './event-loop-turns.js';
import { NextTable, TableFiles, type TableLayout } from './table-files.js';

const IO_BYTES = 1024 * 1024;

/** A table as it lies in its file. */
export interface StoredTable {
  /** To be closed. */
  readonly table: DigestTable;
  readonly sequence: number;
  /** The digest at the end of the file: it names this very table. */
  readonly digest: Buffer;
}

/** A table in which nothing is known: in memory, or, when it is too large for that, with files to come at `path`. */
export function unknownTable(path: string, header: TableHeader, bounds: PageBounds): DigestTable {
  if (isInMemory(header, bounds)) return DigestTable.unknown(header.diskBytes, header.algorithm);
  return DigestTable.paged(header, bounds, new TableFiles(path, layoutOf(header, bounds), null), 0);
}

/** `none`: there is no file; `unusable`: it is damaged, or of another disk, generation or digest algorithm. */
export async function readTable(
  path: string,
  expected: TableHeader,
  bounds: PageBounds,
): Promise<StoredTable | 'none' | 'unusable'> {
  const file = openToKeep(path);
  if (file === null) return 'none';
  let kept: StoredTable | null = null;
  try {
    kept = await readWhole(path, file, expected, bounds);
    return kept ?? 'unusable';
  } finally {
    const isInUse = kept !== null && kept.table.pages.files !== null;
    if (!isInUse) closeSync(file);
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

/**
 * Replaces the stored table in one step, durably: whoever looks at any moment, after a power loss too, finds the old one
 * or the new one. Unknown entries are kept as such. Gives way to everything else meanwhile; the table must not change
 * until it resolves. Gives its digest.
 */
export async function writeTable(
  path: string,
  table: DigestTable,
  { generation, sequence }: { generation: string; sequence: number },
): Promise<Buffer> {
  const { diskBytes, algorithm, pages } = table;
  const { files } = pages;
  const header = encodeTableHeader({ diskBytes, algorithm, generation }, sequence);
  if (files !== null && (files.path !== path || files.layout.headerBytes !== header.length)) {
    throw new RangeError(`the pages of this table do not belong to ${path}`);
  }
  const next = files?.nextTable() ?? new NextTable(path, wholeLayout(header.length, table));
  try {
    const digest = await complete(next, header, table);
    await next.putInPlace(header, digest);
    files?.nextIsStored();
    await syncDirectoryOf(path);
    table.storedAs = digest;
    return digest;
  } finally {
    // With files it is theirs: what is in it is still needed.
    if (files === null) next.discard();
  }
}

/** Afterwards all pages are in the file. Gives the digest at its end. */
async function complete(next: NextTable, header: Buffer, { pages }: DigestTable): Promise<Buffer> {
  const hash = createHash('sha256').update(header);
  const turns = new EventLoopTurns();
  let index = 0;
  for (let page = 0; page < pages.pageCount; page += 1) {
    const isBlank = pages.isBlank(index);
    const { content, isChanged } = pages.contentOf(page);
    if (isChanged || (!isBlank && !next.has(page))) next.write(page, content);
    pages.isWritten(page);
    hash.update(content);
    index = pages.endOfPage(index);
    await turns.giveWay();
  }
  return hash.digest();
}

async function readWhole(
  path: string,
  file: number,
  expected: TableHeader,
  bounds: PageBounds,
): Promise<StoredTable | null> {
  if (fstatSync(file).size !== tableFileBytes(expected)) return null;
  const header = Buffer.alloc(encodeTableHeader(expected, 0).length);
  if (!(await readAt(file, header, 0))) return null;
  const sequence = sequenceOfTable(header);
  if (sequence === null || !header.equals(encodeTableHeader(expected, sequence))) return null;
  const inMemory = isInMemory(expected, bounds) ? DigestTable.unknown(expected.diskBytes, expected.algorithm) : null;
  const hash = createHash('sha256').update(header);
  const layout = layoutOf(expected, bounds);
  const buffer = new Uint8Array(Math.min(IO_BYTES, layout.entryBytes));
  let knownCount = 0;
  for (let offset = 0; offset < layout.entryBytes; offset += buffer.length) {
    const part = buffer.subarray(0, layout.entryBytes - offset);
    if (!(await readAt(file, part, header.length + offset))) return null;
    hash.update(part);
    if (inMemory === null) knownCount += knownEntriesIn(new Uint32Array(part.buffer, 0, part.length / 4));
    else inMemory.enter(offset / DIGEST_BYTES, part);
  }
  const digest = Buffer.alloc(DIGEST_BYTES);
  if (!(await readAt(file, digest, header.length + layout.entryBytes)) || !hash.digest().equals(digest)) return null;
  const table = inMemory ?? DigestTable.paged(expected, bounds, new TableFiles(path, layout, file), knownCount);
  table.storedAs = digest;
  return { table, sequence, digest };
}

function isInMemory({ diskBytes }: TableHeader, { entriesPerPage, pagesInMemory }: PageBounds): boolean {
  return blocksOfDisk(diskBytes) <= entriesPerPage * pagesInMemory;
}

function layoutOf(header: TableHeader, { entriesPerPage }: PageBounds): TableLayout {
  return {
    headerBytes: encodeTableHeader(header, 0).length,
    pageBytes: entriesPerPage * DIGEST_BYTES,
    entryBytes: blocksOfDisk(header.diskBytes) * DIGEST_BYTES,
  };
}

function wholeLayout(headerBytes: number, { blockCount }: DigestTable): TableLayout {
  return { headerBytes, pageBytes: blockCount * DIGEST_BYTES, entryBytes: blockCount * DIGEST_BYTES };
}

/** A file whose pages are read without a promise; null when there is none. */
function openToKeep(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** False at an early end of the file. */
async function readAt(file: number, target: Uint8Array, position: number): Promise<boolean> {
  for (let filled = 0; filled < target.length;) {
    const { bytesRead } = await promisify(read)(file, target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}
