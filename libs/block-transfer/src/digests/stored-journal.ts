import type { FileHandle } from 'node:fs/promises';
import { DIGEST_BYTES } from './block-digest.js';
import {
  decodeJournalHeader,
  encodeJournalHeader,
  firstChain,
  MAX_JOURNAL_HEADER_BYTES,
  RecordDecoder,
  type JournalHeader,
  type JournalItem,
} from './digest-journal.codec.js';
import { DigestJournalWriter } from './digest-journal.writer.js';
import type { DigestTable } from './digest-table.js';
import { openIfThere, replaceFile } from './durable-files.js';
import { EventLoopTurns } from './event-loop-turns.js';

const IO_BYTES = 64 * 1024;
const NOT_KNOWN = new Uint8Array(DIGEST_BYTES);

/** The header of a journal; `unusable` when it has none that is whole. */
export async function readJournalHeader(path: string): Promise<JournalHeader | 'none' | 'unusable'> {
  const file = await openIfThere(path);
  if (file === null) return 'none';
  try {
    const start = Buffer.alloc(MAX_JOURNAL_HEADER_BYTES);
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    return decodeJournalHeader(start.subarray(0, bytesRead)) ?? 'unusable';
  } finally {
    await file.close();
  }
}

/** Brings a table to where the journal ends. False: the journal is damaged, and the table is worth nothing. */
export async function replayJournal(path: string, header: JournalHeader, table: DigestTable): Promise<boolean> {
  const file = await openIfThere(path);
  if (file === null) return false;
  try {
    return await replayRecords(file, encodeJournalHeader(header), table);
  } finally {
    await file.close();
  }
}

async function replayRecords(file: FileHandle, header: Buffer, table: DigestTable): Promise<boolean> {
  const items: JournalItem[] = [];
  const decoder = new RecordDecoder(firstChain(header), (item) => items.push(item) > 0);
  const chunk = Buffer.alloc(IO_BYTES);
  const turns = new EventLoopTurns();
  for (let position = header.length; ;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return true;
    if (!decoder.push(chunk.subarray(0, bytesRead))) return false;
    // Digests are views of the chunk.
    for (const item of items.splice(0)) {
      if (!applyItem(item, table)) return false;
      await turns.giveWay();
    }
    position += bytesRead;
  }
}

/** False when the item speaks of blocks that the disk does not have. */
export function applyItem({ first, count, digest }: JournalItem, table: DigestTable): boolean {
  if (first + count > table.blockCount) return false;
  table.setRun(first, count, digest ?? NOT_KNOWN);
  return true;
}

/** Puts an empty journal in the place of any that is there, in one step, durably. */
export async function createJournal(path: string, header: JournalHeader): Promise<DigestJournalWriter> {
  const encoded = encodeJournalHeader(header);
  const file = await replaceFile(path, async (handle) => handle.writeFile(encoded));
  const journalFile = {
    append: async (bytes: Uint8Array): Promise<void> => file.writeFile(bytes),
    sync: async (): Promise<void> => file.datasync(),
    close: async (): Promise<void> => file.close(),
  };
  return new DigestJournalWriter(journalFile, firstChain(encoded));
}
