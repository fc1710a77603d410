import type { FileSystemBytes } from './file-system-bytes.js';
import { FreeList } from './free-list.js';
import { believe } from './map-doubt.js';

/**
 * The header is one page, of 4 to 64 KiB by the machine that made it: signature, uuid and label. (Boot code may be in
 * front of it.) What is behind it means nothing once the machine is off.
 */
const HEADER_BYTES = 64 * 1024;
const PAGE_SIZES_BYTES = [4096, 8192, 16_384, 32_768, 65_536] as const;
const SIGNATURE_BYTES = 10;
/** At the end of the header. */
const SIGNATURE = 'SWAPSPACE2';
/** In the same place when the machine's memory is behind it: by the kernel, by uswsusp, by Lenovo's firmware. */
const HIBERNATED = ['S1SUSPEND', 'S2SUSPEND', 'ULSUSPEND', 'LINHIB0001'];
/** TuxOnIce has its own at the beginning. */
const TUX_ON_ICE = Buffer.from('edc302e99856e50c', 'hex');

/**
 * The part of a swap area that need not travel: everything behind its header, so that the target's has the same uuid
 * and is empty. With anything but the usual signature, a machine's hibernated memory among it, everything is used.
 * Rejects like `freeOfExt`.
 */
export async function freeOfSwap(bytes: FileSystemBytes): Promise<FreeList> {
  const header = await bytes.read(0, Math.min(HEADER_BYTES, bytes.place.sizeBytes));
  believe(isPlainSwap(header), 'no signature of swap space that is only that');
  const free = new FreeList(bytes.place.startBytes);
  if (bytes.place.sizeBytes > HEADER_BYTES) free.add(HEADER_BYTES, bytes.place.sizeBytes - HEADER_BYTES);
  return free;
}

/** Whether this is the beginning of swap space, as against the memory of a hibernated machine or something else. */
export function isPlainSwap(header: Buffer): boolean {
  const signatures = PAGE_SIZES_BYTES.filter((pageBytes) => pageBytes <= header.length).map((pageBytes) =>
    header.toString('latin1', pageBytes - SIGNATURE_BYTES, pageBytes),
  );
  const hibernated = signatures.some((signature) => HIBERNATED.some((beginning) => signature.startsWith(beginning)));
  return signatures.includes(SIGNATURE) && !hibernated && !header.subarray(0, TUX_ON_ICE.length).equals(TUX_ON_ICE);
}
