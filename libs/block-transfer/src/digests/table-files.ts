import { closeSync, fstatSync, fsync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EndpointFailure } from '../endpoint-failure.js';
import { orTableFailure } from './table-failure.js';

/** Where the pages of a table are in its file. */
export interface TableLayout {
  readonly headerBytes: number;
  readonly pageBytes: number;
  /** Of all entries. */
  readonly entryBytes: number;
}

/**
 * The pages of a table that does not fit into memory: those of the stored table, which nobody changes in place, and those
 * that changed since, in the file that will be the next one. Until that is put in place, it means nothing to anybody.
 */
export class TableFiles {
  private next: NextTable | null = null;
  private isOpen = true;

  /** @param stored the open file of the stored table, this object's own; null: nothing is known yet */
  constructor(
    readonly path: string,
    readonly layout: TableLayout,
    private stored: number | null,
  ) {}

  has(page: number): boolean {
    this.assertOpen();
    return this.stored !== null || this.next?.has(page) === true;
  }

  read(page: number, into: Uint8Array): void {
    if (this.next?.has(page) === true) this.next.read(page, into);
    else if (this.stored !== null) readAt(this.stored, into, offsetOf(page, this.layout), this.path);
  }

  write(page: number, content: Uint8Array): void {
    this.nextTable().write(page, content);
  }

  /** The table in the making, with the pages that changed. */
  nextTable(): NextTable {
    this.assertOpen();
    return (this.next ??= new NextTable(this.path, this.layout));
  }

  /** The table in the making is the stored one now. Must be called before anything else is written. */
  nextIsStored(): void {
    if (this.next === null) return;
    if (this.stored !== null) closeSync(this.stored);
    this.stored = this.next.file;
    this.next = null;
  }

  /** Nothing can be read afterwards; what was not stored is gone. */
  close(): void {
    if (this.stored !== null) closeSync(this.stored);
    this.stored = null;
    this.next?.discard();
    this.next = null;
    this.isOpen = false;
  }

  /** Or unknown entries would be stored in the place of those that were not in memory. */
  private assertOpen(): void {
    if (!this.isOpen) throw new Error(`the table of ${this.path} was closed`);
  }
}

/** `<path>.new`: a table that is being made. A page that was not written is a hole, that is, zeros. */
export class NextTable {
  readonly file: number;
  private readonly temporary: string;
  private readonly written: Uint8Array;

  /** In the place of what an earlier process may have left. */
  constructor(
    private readonly path: string,
    private readonly layout: TableLayout,
  ) {
    this.temporary = `${path}.new`;
    this.written = new Uint8Array(Math.ceil(layout.entryBytes / layout.pageBytes));
    this.file = orTableFailure(this.temporary, () => {
      rmSync(this.temporary, { force: true });
      return openSync(this.temporary, 'wx+', 0o600);
    });
  }

  has(page: number): boolean {
    return this.written[page] === 1;
  }

  read(page: number, into: Uint8Array): void {
    readAt(this.file, into, offsetOf(page, this.layout), this.temporary);
  }

  write(page: number, content: Uint8Array): void {
    this.writeAt(content, offsetOf(page, this.layout));
    this.written[page] = 1;
  }

  /** Makes it durable, header and digest included, and puts it in the place of the stored table. */
  async putInPlace(header: Uint8Array, digest: Uint8Array): Promise<void> {
    this.writeAt(header, 0);
    this.writeAt(digest, this.layout.headerBytes + this.layout.entryBytes);
    await promisify(fsync)(this.file);
    if (!this.isInItsPlace()) throw new Error(`${this.temporary} was replaced by somebody else`);
    await rename(this.temporary, this.path);
  }

  discard(): void {
    if (this.isInItsPlace()) rmSync(this.temporary, { force: true });
    closeSync(this.file);
  }

  /** Another table of the same path may have begun to be made meanwhile. */
  private isInItsPlace(): boolean {
    const there = statSync(this.temporary, { bigint: true, throwIfNoEntry: false });
    const ours = fstatSync(this.file, { bigint: true });
    return there?.ino === ours.ino && there.dev === ours.dev;
  }

  private writeAt(content: Uint8Array, position: number): void {
    orTableFailure(this.temporary, () => {
      for (let done = 0; done < content.length;) {
        done += writeSync(this.file, content, done, content.length - done, position + done);
      }
    });
  }
}

function offsetOf(page: number, { headerBytes, pageBytes }: TableLayout): number {
  return headerBytes + page * pageBytes;
}

function readAt(file: number, into: Uint8Array, position: number, path: string): void {
  orTableFailure(path, () => {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(file, into, done, into.length - done, position + done);
      if (bytes === 0) throw new EndpointFailure('DIGEST_TABLE_FAILED', `${path} was cut off while it was in use`);
      done += bytes;
    }
  });
}
