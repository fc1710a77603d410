import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../simulation/world/random.js';
import { AgainAndAgain } from './again-and-again.js';

const MAX_RECORD_BYTES = 300_000;
const DIGEST_CHARACTERS = 64;
const [FIRST, SECOND] = ['first', 'second'];

/**
 * A machine at rest whose system still writes now and then, each time in an order that can be seen afterwards: the
 * record `first` is replaced durably, then `second` by the same. At any one moment, both are whole, and `second` is as
 * new as `first` or one behind.
 */
export class MutteringWriter {
  private readonly writing = new AgainAndAgain(() => this.writePair());
  private written = 0;

  /** @param maxPauseMs between two pairs of records */
  constructor(
    private readonly folder: string,
    private readonly random: Random,
    private readonly maxPauseMs: number,
  ) {}

  start(): void {
    this.writing.start();
  }

  stop(): Promise<void> {
    return this.writing.stop();
  }

  private async writePair(): Promise<void> {
    this.written += 1;
    for (const name of [FIRST, SECOND]) await this.replace(name);
    await delay(this.random.integer(0, this.maxPauseMs));
  }

  private async replace(name: string): Promise<void> {
    const content = randomBytes(this.random.integer(1, MAX_RECORD_BYTES)).toString('base64');
    const text = `${this.written} ${content}`;
    const fresh = join(this.folder, `${name}.new`);
    const file = await open(fresh, 'w');
    try {
      await file.writeFile(digestOf(text) + text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, join(this.folder, name));
    const folder = await open(this.folder);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Throws when the records below a folder were never there at one moment. */
export async function expectOneMoment(folder: string): Promise<void> {
  const [first, second] = [await numberOf(join(folder, FIRST)), await numberOf(join(folder, SECOND))];
  if (first !== second && first !== second + 1)
    throw new Error(`the records are of different moments: ${first} and ${second}`);
}

async function numberOf(path: string): Promise<number> {
  const record = await readFile(path, 'latin1');
  const text = record.slice(DIGEST_CHARACTERS);
  if (digestOf(text) !== record.slice(0, DIGEST_CHARACTERS)) throw new Error(`${path} is not what was written`);
  return Number(text.split(' ', 1)[0]);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}
