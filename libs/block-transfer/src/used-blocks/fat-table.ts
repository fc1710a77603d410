import type { FatLayout } from './fat-boot.parser.js';

/** The four top bits of an entry of FAT32 are not part of it. */
const FAT32_MASK = 0x0fffffff;

/**
 * Entries of a piece of a table.
 * @param index of the entry within the piece, which begins with a whole entry of even number
 */
export function fatEntry(piece: Buffer, entryBits: FatLayout['entryBits'], index: number): number {
  if (entryBits === 32) return piece.readUInt32LE(index * 4) & FAT32_MASK;
  if (entryBits === 16) return piece.readUInt16LE(index * 2);
  const pair = piece.readUInt16LE(Math.floor(index * 1.5));
  return index % 2 === 0 ? pair & 0xfff : pair >>> 4;
}

/**
 * Whether entry 0 is what it should be: the media descriptor below ones. A piece of something else is not taken for a
 * table that calls everything free.
 */
export function isTableBeginning(piece: Buffer, { entryBits, mediaDescriptor }: FatLayout): boolean {
  const ones = { 12: 0xf00, 16: 0xff00, 32: 0x0fffff00 }[entryBits];
  return fatEntry(piece, entryBits, 0) === ones + mediaDescriptor;
}

/**
 * Whether entry 1 says that the file system was left as it should be, and that no error was met. Windows keeps these
 * marks; FAT12 has none.
 */
export function isMarkedClean(piece: Buffer, entryBits: FatLayout['entryBits']): boolean {
  const marks = { 12: 0, 16: 0xc000, 32: 0x0c000000 }[entryBits];
  return (fatEntry(piece, entryBits, 1) & marks) === marks;
}
