import type { ByteRange } from '#libs/contracts';
import { invertExtents, mergeExtents } from '#libs/block-transfer';

const LINE =
  /connection=(\d+) (\.\.\.)?(Write|Zero|Flush) id=(\d+)(?: offset=(0x[0-9a-f]+) count=(0x[0-9a-f]+))?.*?(?:return=(-?\d+))?/;

/**
 * What a power cut must leave on the disk, by the log of the server itself (nbdkit's log filter): writes and zeroes that
 * had ended before a flush began that ended well. An oracle that knows nothing of the client.
 */
export function durableByLog(text: string): ByteRange[] {
  return readLog(text).durable;
}

/** What a power cut may leave in any state: writes and zeroes that were begun, and are not durable. */
export function volatileByLog(text: string, diskBytes: number): ByteRange[] {
  const { begun, durable } = readLog(text);
  return invertExtents(mergeExtents([...invertExtents(begun, diskBytes), ...durable]), diskBytes);
}

function readLog(text: string): { begun: ByteRange[]; durable: ByteRange[] } {
  const begun: ByteRange[] = [];
  const open = new Map<string, ByteRange[]>();
  const ended: ByteRange[] = [];
  const durable: ByteRange[] = [];
  for (const line of text.split('\n')) {
    const [, connection, end, operation, id, offset, count] = LINE.exec(line) ?? [];
    if (operation === undefined) continue;
    const key = `${connection ?? ''}/${id ?? ''}`;
    if (end === undefined) {
      const range = { offsetBytes: Number(offset), lengthBytes: Number(count) };
      open.set(key, operation === 'Flush' ? [...ended] : [range]);
      if (operation !== 'Flush') begun.push(range);
    } else if (line.includes('return=0')) {
      const list = operation === 'Flush' ? durable : ended;
      for (const range of open.get(key) ?? []) list.push(range);
    }
  }
  return { begun: mergeExtents(begun), durable: mergeExtents(durable) };
}
