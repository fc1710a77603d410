/**
 * Bitmaps as ext, exFAT and ntfs keep them: one bit per unit of allocation, the lowest bit of a byte first, 1 is used.
 * Gives each run of zeros among the first `bits` bits, in order.
 */
export function eachFreeRun(bitmap: Uint8Array, bits: number, onRun: (first: number, count: number) => void): void {
  if (bits > bitmap.length * 8) throw new RangeError(`${bits} bits in a bitmap of ${bitmap.length} bytes`);
  let start = -1;
  const close = (end: number): void => {
    if (start >= 0) onRun(start, end - start);
    start = -1;
  };
  for (let index = 0; index * 8 < bits; index += 1) {
    const byte = bitmap[index] ?? 0xff;
    if (byte === 0xff) {
      close(index * 8);
    } else if (byte === 0) {
      if (start < 0) start = index * 8;
    } else {
      const end = Math.min(index * 8 + 8, bits);
      for (let bit = index * 8; bit < end; bit += 1) {
        if ((byte >>> (bit & 7)) & 1) close(bit);
        else if (start < 0) start = bit;
      }
    }
  }
  close(bits);
}

/** How many of the first `bits` bits are 0. */
export function countFree(bitmap: Uint8Array, bits: number): number {
  let free = 0;
  eachFreeRun(bitmap, bits, (_, count) => (free += count));
  return free;
}

/** Whether all bits from `first` up to, without, `end` are 1. */
export function areUsed(bitmap: Uint8Array, first: number, end: number): boolean {
  for (let bit = first; bit < end;) {
    if ((bit & 7) === 0 && end - bit >= 8) {
      if (bitmap[bit >>> 3] !== 0xff) return false;
      bit += 8;
    } else {
      if ((((bitmap[bit >>> 3] ?? 0) >>> (bit & 7)) & 1) === 0) return false;
      bit += 1;
    }
  }
  return true;
}

/** Makes the bits from `first` up to, without, `end` 1. */
export function markUsed(bitmap: Uint8Array, first: number, end: number): void {
  for (let bit = first; bit < end;) {
    const whole = (bit & 7) === 0 ? (end - bit) >>> 3 : 0;
    bitmap.fill(0xff, bit >>> 3, (bit >>> 3) + whole);
    bit += whole * 8;
    if (bit === end) return;
    bitmap[bit >>> 3] = (bitmap[bit >>> 3] ?? 0) | (1 << (bit & 7));
    bit += 1;
  }
}
