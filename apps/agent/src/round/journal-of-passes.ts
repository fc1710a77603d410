import { BlockSet, type DigestJournal } from '#libs/block-transfer';

/**
 * A disk's digest journal over several passes that follow each other within a second. It may lie on the very disk that is
 * read, where each entry is one more write that has to be read: so no block is forgotten twice, and none is confirmed
 * before the last pass is over and the table as a whole is stored. A process that is killed in between leaves blocks
 * that are not known, and are sent again.
 */
export class JournalOfPasses implements DigestJournal {
  private readonly forgotten: BlockSet;

  constructor(
    private readonly journal: DigestJournal,
    diskBytes: number,
  ) {
    this.forgotten = new BlockSet(diskBytes);
  }

  async forget(indices: readonly number[]): Promise<void> {
    const fresh = indices.filter((index) => !this.forgotten.has(index));
    if (fresh.length === 0) return;
    await this.journal.forget(fresh);
    for (const index of fresh) this.forgotten.add(index);
  }

  async confirm(): Promise<void> {
    // The stored table will say it.
  }
}
