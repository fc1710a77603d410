import * as z from 'zod';

/** A size or an offset in bytes; always a safe integer. */
export const bytes = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** A moment, ISO 8601 in UTC with milliseconds. */
export const instant = z.iso.datetime();

/** A contiguous range of a disk, in bytes. */
export const byteRange = z.object({ offsetBytes: bytes, lengthBytes: bytes });
export type ByteRange = z.infer<typeof byteRange>;
