import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'acknowledged';
const DIGITS = 16;

/**
 * A second, tiny witness of how far the log was acknowledged. SQLite drops a damaged end of its write-ahead log in
 * silence; with this mark the node notices when that end held acknowledged events, and refuses instead.
 *
 * The mark is written after the commit and never ahead of it. It is not flushed: after a power loss it may lag behind,
 * never lead, so it can only be too lenient.
 */
export class AcknowledgedMark {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(DIGITS + 1, '\n');

  private constructor(file: number) {
    this.#file = file;
  }

  static open(folder: string): AcknowledgedMark {
    return new AcknowledgedMark(openSync(join(folder, FILE), constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  /** The highest position known to be acknowledged; 0 when nothing is known. */
  read(): number {
    const length = readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
    const text = this.#bytes.toString('latin1', 0, length).trim();
    return /^\d{16}$/.test(text) ? Number(text) : 0;
  }

  write(position: number): void {
    this.#bytes.write(String(position).padStart(DIGITS, '0'), 'latin1');
    this.#bytes[DIGITS] = 10;
    writeSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}
