/** What O_DIRECT asks of addresses, offsets and lengths on any disk that Linux knows (sectors of 512 or 4096 bytes). */
export const DIRECT_ALIGNMENT_BYTES = 4096;

const WASM_PAGE_BYTES = 65536;

/** The one thing used of WebAssembly; Node's own typings leave the name out. */
interface LinearMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => LinearMemory;
};

const alignedStores = new WeakSet<ArrayBufferLike>();

/**
 * Zeroed memory that begins on a page: the only such memory that plain JavaScript can get is a WebAssembly memory.
 * Each one reserves gigabytes of *address space* (not of memory), so take one per job and cut it, not one per block.
 */
export function alignedBuffer(bytes: number): Uint8Array {
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new RangeError(`not a buffer size: ${bytes}`);
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  alignedStores.add(buffer);
  return new Uint8Array(buffer, 0, bytes);
}

/**
 * One aligned allocation cut into `count` slots of `slotBytes`, each aligned too. In front of each there are
 * {@link DIRECT_ALIGNMENT_BYTES} bytes of the same memory that belong to nobody else: room for a header.
 */
export function alignedSlots(count: number, slotBytes: number): Uint8Array[] {
  const stride = DIRECT_ALIGNMENT_BYTES + Math.ceil(slotBytes / DIRECT_ALIGNMENT_BYTES) * DIRECT_ALIGNMENT_BYTES;
  const arena = alignedBuffer(count * stride);
  return Array.from({ length: count }, (_, slot) => {
    const start = slot * stride + DIRECT_ALIGNMENT_BYTES;
    return arena.subarray(start, start + slotBytes);
  });
}

/** True when the view lies in memory of {@link alignedBuffer} and begins and ends on an alignment boundary. */
export function isAligned(view: Uint8Array): boolean {
  return (
    alignedStores.has(view.buffer) &&
    view.byteOffset % DIRECT_ALIGNMENT_BYTES === 0 &&
    view.length % DIRECT_ALIGNMENT_BYTES === 0
  );
}
