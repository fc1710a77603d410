import type { ByteRange } from '#libs/contracts';
import { endOf, mergeExtents } from '../extents/byte-extents.js';

export interface DomainMap {
  readonly used: ByteRange[];
  readonly free: ByteRange[];
}

const ROW = /^(0x[0-9A-Fa-f]+|\d+)\s+(0x[0-9A-Fa-f]+|\d+)\s+(\S)$/;
/** The row before all others, without a size: where a rescue would go on. It means nothing here. */
const POSITION_ROW = /^(0x[0-9A-Fa-f]+|\d+)\s+\S$/;

/**
 * Reads the domain map that partclone writes (ddrescue's map file format: offset, size, `+` used or `?` free).
 *
 * Tests compare the maps that are made here with partclone's.
 *
 * The rows must follow each other without a gap from byte 0: a map with a hole or a strange row is damaged, and a
 * damaged map could call used blocks free. Throws `SyntaxError`.
 *
 * @param text the map
 * @param offsetBytes where the file system begins on its disk; added to every extent
 */
export function parseDomainMap(text: string, offsetBytes: number): DomainMap {
  const used: ByteRange[] = [];
  const free: ByteRange[] = [];
  let expected = 0;
  let sawPosition = false;
  for (const [index, rawLine] of text.split('\n').entries()) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!sawPosition && POSITION_ROW.test(line)) {
      sawPosition = true;
      continue;
    }
    const [, position, size, status] = ROW.exec(line) ?? [];
    const range = { offsetBytes: Number(position), lengthBytes: Number(size) };
    const list = status === '+' ? used : status === '?' ? free : null;
    if (list === null || range.offsetBytes !== expected || !Number.isSafeInteger(endOf(range) + offsetBytes)) {
      throw new SyntaxError(`domain map, line ${index + 1}: "${line.slice(0, 80)}"`);
    }
    list.push({ offsetBytes: range.offsetBytes + offsetBytes, lengthBytes: range.lengthBytes });
    expected = endOf(range);
  }
  if (expected === 0) throw new SyntaxError('domain map without rows');
  return { used: mergeExtents(used), free: mergeExtents(free) };
}
