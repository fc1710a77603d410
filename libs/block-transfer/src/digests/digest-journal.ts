/** Neighbouring blocks that are one item of a journal at most: a GiB of disk. */
export const MAX_RUN_BLOCKS = 16_384;

/** Neighbouring blocks of one digest, at most {@link MAX_RUN_BLOCKS}; without a count, one block. */
export interface KnownBlocks {
  readonly index: number;
  readonly count?: number;
  readonly digest: Uint8Array;
}

/**
 * Keeps a stored digest table true while the target is being written. An entry says what the target durably holds, so
 * it has to be gone from the store before its block's write leaves, and may come back once the write is durable.
 */
export interface DigestJournal {
  /** Durable when it resolves: these entries are not trusted until confirmed. */
  forget(indices: readonly number[]): Promise<void>;
  /** These entries are durable on the target. */
  confirm(entries: readonly KnownBlocks[]): Promise<void>;
}
