import type { ByteRange } from '#libs/contracts';

/** Sorts ranges and joins those that touch or overlap. */
export function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
    const last = joined.at(-1);
    if (last === undefined || last.offsetBytes + last.lengthBytes < range.offsetBytes) {
      joined.push(range);
      continue;
    }
    const endBytes = Math.max(last.offsetBytes + last.lengthBytes, range.offsetBytes + range.lengthBytes);
    joined[joined.length - 1] = { offsetBytes: last.offsetBytes, lengthBytes: endBytes - last.offsetBytes };
  }
  return joined;
}
