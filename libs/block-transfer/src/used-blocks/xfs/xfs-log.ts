import { believe } from '../map-doubt.js';
import type { StillFileSystem } from '../still-file-system.js';
import type { XfsGeometry } from './xfs-superblock.parser.js';

const SECTOR_BYTES = 512;
const READ_BYTES = 1024 * 1024;
/** The largest record, with its headers: the last one before the head begins no farther back. */
const RECORD_MAX_BYTES = 512 * 1024;
/** Each header says which cycle the sectors of this much content belong to. */
const CONTENT_PER_HEADER_BYTES = 32_768;
const RECORD_MAGIC = 0xfeedbabe;
const VERSION_2 = 2;
const UNMOUNT_FLAG = 0x20;

/**
 * Whether nothing in the log waits to be written to its place: its last record says that the file system was unmounted.
 * What is only in the log can change which blocks are used.
 *
 * Every sector of the log bears the number of the turn in which it was written. The log ends where the number drops by
 * one; anything else (a torn end, a foreign number) is no clean log.
 */
export async function isXfsLogClean(fileSystem: StillFileSystem, geometry: XfsGeometry): Promise<boolean> {
  const { logStartBytes, logBytes } = geometry;
  believe(logBytes > 0 && logBytes % SECTOR_BYTES === 0, 'xfs has no log');
  const head = await headOf(fileSystem, logStartBytes, logBytes);
  if (head === null) return false;
  const from = Math.max(0, head - RECORD_MAX_BYTES);
  const bytes = await fileSystem.read(logStartBytes + from, head - from);
  return endsWithUnmount(bytes);
}

/** The byte of the log behind the last sector of the present turn; null when the turns are not in order. */
async function headOf(fileSystem: StillFileSystem, startBytes: number, logBytes: number): Promise<number | null> {
  const room = Buffer.alloc(READ_BYTES);
  let present: number | null = null;
  let head: number | null = null;
  for (let offset = 0; offset < logBytes; offset += READ_BYTES) {
    const bytes = await fileSystem.read(startBytes + offset, Math.min(READ_BYTES, logBytes - offset), room);
    for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
      const turn = turnOf(bytes, at);
      present ??= turn;
      if (turn === present && head === null) continue;
      if (turn !== present - 1) return null;
      head ??= offset + at;
    }
  }
  return head ?? logBytes;
}

/** Content has the turn in its first word; a record's header begins with its magic number. */
function turnOf(bytes: Buffer, at: number): number {
  const first = bytes.readUInt32BE(at);
  return first === RECORD_MAGIC ? bytes.readUInt32BE(at + 4) : first;
}

/** Whether the last record in `bytes` ends where they end, and says nothing but: unmounted. */
export function endsWithUnmount(bytes: Buffer): boolean {
  for (let at = bytes.length - SECTOR_BYTES; at >= 0; at -= SECTOR_BYTES) {
    if (bytes.readUInt32BE(at) !== RECORD_MAGIC) continue;
    const isVersion2 = (bytes.readUInt32BE(at + 8) & VERSION_2) !== 0;
    const bufferBytes = bytes.readUInt32BE(at + 320);
    const headers = isVersion2 ? Math.max(1, Math.ceil(bufferBytes / CONTENT_PER_HEADER_BYTES)) : 1;
    const content = at + headers * SECTOR_BYTES;
    const end = content + Math.ceil(bytes.readUInt32BE(at + 12) / SECTOR_BYTES) * SECTOR_BYTES;
    if (end !== bytes.length || content >= end || bytes.readUInt32BE(at + 40) !== 1) return false;
    return (bytes.readUInt8(content + 9) & UNMOUNT_FLAG) !== 0;
  }
  return false;
}
