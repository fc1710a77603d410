import type { FaultKind } from '../faults/planned-fault.js';
import type { SimulatedClock } from './simulated-clock.js';

/** So many of the newest lines are kept for the report of a failed run. */
const KEPT_LINES = 400;

/** What happened, line by line, for whoever has to understand a run that failed; and how many faults there were. */
export class Trail {
  readonly #lines: { readonly atMs: number; readonly text: () => string }[] = [];
  readonly faults = new Map<FaultKind, number>();

  constructor(private readonly clock: SimulatedClock) {}

  note(text: string | (() => string)): void {
    const line = { atMs: this.clock.elapsedMs, text: typeof text === 'string' ? (): string => text : text };
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(0, KEPT_LINES);
  }

  fault(kind: FaultKind, detail = ''): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.note(() => `! ${kind}${detail === '' ? '' : ` (${detail})`}`);
  }

  /** The newest lines, with the simulated time since the beginning. */
  newest(count: number): string[] {
    return this.#lines.slice(-count).map(({ atMs, text }) => `${durationOf(atMs)}  ${text()}`);
  }
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Hours, minutes, seconds and milliseconds. */
export const durationOf = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${two(h)}:${two(m)}:${two(s)}.${String(ms % 1000).padStart(3, '0')}`;
};
