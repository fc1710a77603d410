import { LiveBlock } from '../../../apps/cli/src/terminal/live-block.js';
import type { Output } from '../../../apps/cli/src/terminal/output.js';
import { durationInWords } from '../../../apps/cli/src/terminal/quantities-in-words.js';

const TITLE_WIDTH = 26;
/** A step that nobody hears of changes its clock at least this often. */
const REDRAW_MS = 250;

/** The steps of the demo as they come: one line for each that is done, and below them what goes on now. */
export class StepLog {
  readonly #block: LiveBlock;
  #details: () => readonly string[] = () => [];

  constructor(private readonly output: Output) {
    this.#block = new LiveBlock(output);
  }

  /** Prints lines that stay. */
  say(text: string): void {
    for (const line of text.split('\n')) this.#block.say(line);
  }

  /** What to show below the running step, such as progress bars; asked again and again. */
  showBelow(details: () => readonly string[]): void {
    this.#details = details;
  }

  /**
   * Does one step and says how long it took.
   *
   * @param work its result's `detail` is what people are told about it
   */
  async step<Result>(title: string, work: () => Promise<Result>, detail: (result: Result) => string): Promise<Result> {
    const startedAt = performance.now();
    const { paint } = this.output;
    const redraw = () => {
      const elapsed = this.output.isTerminal ? `  ${durationInWords(performance.now() - startedAt)}` : '';
      this.#block.show([`${paint('accent', '▶')} ${paint('heading', title)}${elapsed}`, ...this.#details()]);
    };
    const timer = setInterval(redraw, REDRAW_MS);
    redraw();
    try {
      const result = await work();
      this.#finish(paint('good', '✔'), title, detail(result), startedAt);
      return result;
    } catch (error) {
      this.#finish(paint('bad', '✘'), title, '', startedAt);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  #finish(mark: string, title: string, detail: string, startedAt: number): void {
    this.#block.end('clear');
    const elapsed = this.output.paint('quiet', durationInWords(performance.now() - startedAt));
    this.#block.say([`${mark} ${title.padEnd(TITLE_WIDTH)}`, detail, elapsed].filter((part) => part !== '').join('  '));
  }
}
