import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { digestOf } from './block-digest.js';
import { DigestJournalWriter, type JournalFile } from './digest-journal.writer.js';

const ENTRY = { index: 0, digest: digestOf(Buffer.of(1), 'blake3') };

/** A file that writes down what is asked of it, and whose syncs end when the test says so. */
class SlowFile implements JournalFile {
  readonly calls: string[] = [];
  failure: Error | null = null;
  private release: (() => void) | null = null;

  async append(bytes: Uint8Array): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.calls.push(`append ${bytes.length}`);
  }

  async sync(): Promise<void> {
    this.calls.push('sync');
    await new Promise<void>((resolve) => (this.release = resolve));
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  async endSync(): Promise<void> {
    await until(() => this.release !== null);
    this.release?.();
    this.release = null;
  }
}

/** Waits for a fact that needs nothing but turns of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !isSo(); turn += 1) await nextTurn();
  expect(isSo()).toBe(true);
}

describe('DigestJournalWriter', () => {
  it('lets all who ask to forget during a sync share the next one', async () => {
    const file = new SlowFile();
    const journal = new DigestJournalWriter(file, 0);
    const first = [journal.forget([0]), journal.forget([1])];
    await file.endSync();
    await Promise.all(first);
    const second = journal.forget([2]);
    await until(() => file.calls.length === 4);
    const third = [journal.forget([3]), journal.confirm([ENTRY]), journal.forget([4])];
    await file.endSync();
    await second;
    await file.endSync();
    await Promise.all(third);
    expect(file.calls).toEqual(['append 48', 'sync', 'append 24', 'sync', 'append 104', 'sync']);
  });

  it('does not resolve before the sync has ended', async () => {
    const file = new SlowFile();
    let resolved = false;
    const forgotten = new DigestJournalWriter(file, 0).forget([0]).then(() => (resolved = true));
    await until(() => file.calls.length === 2);
    await nextTurn();
    expect(resolved).toBe(false);
    await file.endSync();
    await forgotten;
  });

  it('confirms without a sync, and writes nothing when there is nothing to say', async () => {
    const file = new SlowFile();
    const journal = new DigestJournalWriter(file, 0);
    await journal.confirm([ENTRY]);
    await journal.forget([]);
    await journal.confirm([]);
    await journal.close();
    expect(file.calls).toEqual(['append 56', 'close']);
  });

  it('says nothing more after the first failure: a record behind a torn one would be lost', async () => {
    const file = new SlowFile();
    const journal = new DigestJournalWriter(file, 0);
    file.failure = new Error('no space left');
    const failed = [journal.forget([0]), journal.confirm([ENTRY])];
    for (const call of failed) await expect(call).rejects.toThrow(/cannot be written: no space left/);
    file.failure = null;
    await expect(journal.forget([1])).rejects.toThrow(/no space left/);
    await expect(journal.confirm([ENTRY])).rejects.toThrow(/no space left/);
    expect(file.calls).toEqual([]);
  });
});
