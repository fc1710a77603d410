import type { FaultKind } from '../faults/planned-fault.js';
import type { Outcome } from './outcome.js';

const HOUR_MS = 3_600_000;
const thousands = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** Adds up what runs came to. */
export class Summary {
  #runs = 0;
  #failed = 0;
  #simulatedMs = 0;
  #events = 0;
  #sums = { cutovers: 0, halts: 0, rounds: 0, attempts: 0 };
  readonly #faults = new Map<string, number>();
  readonly #ended = new Map<string, number>();

  get runs(): number {
    return this.#runs;
  }

  add(outcome: Outcome): void {
    this.#runs += 1;
    this.#failed += outcome.violation === null ? 0 : 1;
    this.#simulatedMs += outcome.simulatedMs;
    this.#events += outcome.events;
    for (const name of ['cutovers', 'halts', 'rounds', 'attempts'] as const) this.#sums[name] += outcome[name];
    const status = outcome.status ?? 'none';
    this.#ended.set(status, (this.#ended.get(status) ?? 0) + 1);
    for (const [kind, count] of Object.entries(outcome.faults) as [FaultKind, number][]) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
  }

  /** @param seconds of real time */
  lines(seconds: number): string[] {
    const { cutovers, halts, rounds, attempts } = this.#sums;
    const faults = [...this.#faults].sort(([, a], [, b]) => b - a);
    const total = faults.reduce((sum, [, count]) => sum + count, 0);
    return [
      `runs                ${thousands(this.#runs)}, ${this.#failed} failed`,
      `simulated hours     ${thousands(this.#simulatedMs / HOUR_MS)}`,
      `events recorded     ${thousands(this.#events)}`,
      `rounds              ${thousands(rounds)} in ${thousands(attempts)} attempts`,
      `cutovers completed  ${thousands(cutovers)}`,
      `tasks halted        ${thousands(halts)} times`,
      `tasks ended         ${[...this.#ended].map(([status, count]) => `${status} ${thousands(count)}`).join(', ')}`,
      `faults              ${thousands(total)}`,
      ...faults.map(([kind, count]) => `  ${kind.padEnd(22)}${thousands(count).padStart(9)}`),
      `time                ${seconds.toFixed(1)} s, ${(this.#runs / seconds).toFixed(1)} runs per second`,
    ];
  }
}
