import type { Output } from './output.js';
import { shownWidth } from './table.js';

const UP = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : '');
const CLEAR_BELOW = '\r\u001b[0J';
const PLAIN_INTERVAL_MS = 3_000;

/**
 * A few lines that change in place on a terminal. Elsewhere the newest ones are printed again every three
 * seconds, and whenever their first line changed.
 */
export class LiveBlock {
  #shownLines = 0;
  #lastText = '';
  #lastHeading = '';
  #printedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly output: Output,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param lines shorter than the terminal is wide; longer ones are shown as they are and spoil the picture */
  show(lines: readonly string[]): void {
    if (this.output.isTerminal) this.#redraw(lines);
    else this.#print(lines);
  }

  /** Prints a line above, which stays. */
  say(line: string): void {
    if (!this.output.isTerminal) {
      this.output.write(`${line}\n`);
      return;
    }
    const shown = this.#lastText;
    this.#clear();
    this.output.write(`${line}\n`);
    if (shown !== '') this.#redraw(shown.split('\n'));
  }

  /** Takes the lines away, or leaves them standing where they are. */
  end(how: 'clear' | 'keep'): void {
    if (this.output.isTerminal && how === 'clear') this.#clear();
    this.#shownLines = 0;
    this.#lastText = '';
  }

  #redraw(lines: readonly string[]): void {
    const text = lines.join('\n');
    if (text === this.#lastText) return;
    const rows = lines.reduce((sum, line) => sum + rowsOf(line, this.output.columns), 0);
    this.output.write(`${UP(this.#shownLines)}${CLEAR_BELOW}${text}\n`);
    this.#shownLines = rows;
    this.#lastText = text;
  }

  #clear(): void {
    if (this.#shownLines > 0) this.output.write(`${UP(this.#shownLines)}${CLEAR_BELOW}`);
    this.#shownLines = 0;
    this.#lastText = '';
  }

  #print(lines: readonly string[]): void {
    const now = this.now();
    const heading = lines[0] ?? '';
    const isDue = now - this.#printedAt >= PLAIN_INTERVAL_MS || heading !== this.#lastHeading;
    const text = lines.join('\n');
    if (!isDue || text === '' || text === this.#lastText) return;
    this.output.write(`${text}\n`);
    this.#printedAt = now;
    this.#lastHeading = heading;
    this.#lastText = text;
  }
}

/** A line that is too long wraps; the terminal then shows it in several rows. */
const rowsOf = (line: string, columns: number): number => Math.max(1, Math.ceil(shownWidth(line) / columns));
