/** 2^64-1: "the end", or no limit, depending on the field. */
export const UINT64_MAX = 18446744073709551615n;

/** @returns the revision, or undefined when it is beyond what any stream can have */
export function parseRevision(value: bigint | string): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 && number < Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** A count from the wire; what is too large means "all". */
export const parseCount = (value: string): number => Math.min(Number(value), Number.MAX_SAFE_INTEGER);
