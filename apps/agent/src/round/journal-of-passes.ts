import { BlockSet, type DigestJournal, type DigestTable, type OpenDigestJournal } from '#libs/block-transfer';

/** Confirmations are written so many at a time. */
const CONFIRMED_AT_ONCE = 1024;

/**
 * A disk's digest journal over the passes of a final round, which follow each other within a second. It may lie on the
 * very disk that is read, where each entry is one more write that has to be read: so after the first pass no block is
 * forgotten twice, none is confirmed before the last pass is over, and the table is not written at all. A process that is
 * killed in between leaves blocks that are not known, and are sent again.
 */
export class JournalOfPasses {
  #later: { readonly table: DigestTable; readonly forgotten: BlockSet } | null = null;

  /** @param first what the first pass uses, as any round does */
  constructor(readonly first: OpenDigestJournal) {}

  /** A later pass works on this table. It stays open until {@link settle}. */
  goOnWith(table: DigestTable): DigestJournal {
    this.#later ??= { table, forgotten: new BlockSet(table.diskBytes) };
    const { forgotten } = this.#later;
    return {
      forget: async (indices) => {
        const fresh = indices.filter((index) => !forgotten.has(index));
        if (fresh.length === 0) return;
        await this.first.forget(fresh);
        for (const index of fresh) forgotten.add(index);
      },
      confirm: async () => undefined,
    };
  }

  /** What later passes have made known is entered, and their table is not needed any more. */
  async settle(): Promise<void> {
    if (this.#later === null) return;
    const { table, forgotten } = this.#later;
    this.#later = null;
    const known = [...forgotten.indices()].filter((index) => table.isKnown(index));
    for (let start = 0; start < known.length; start += CONFIRMED_AT_ONCE) {
      const some = known.slice(start, start + CONFIRMED_AT_ONCE);
      await this.first.confirm(some.map((index) => ({ index, digest: table.get(index) })));
    }
  }

  /** No pass is to come. */
  async putAway(): Promise<void> {
    try {
      await this.settle();
    } finally {
      await this.first.leave();
    }
  }
}
