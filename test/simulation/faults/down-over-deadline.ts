import type { ServiceName } from '../services/service.js';
import type { Fact } from '../world/live-folds.js';
import type { Random } from '../world/random.js';
import type { SimulatedClock } from '../world/simulated-clock.js';
import type { Fault } from './planned-fault.js';

type Wish = Extract<Fault, { kind: 'down-over-the-deadline' }>;

/** Waits for a window or a retry, and takes the server down from some moment before its time until some moment after. */
export class DownOverDeadline {
  #wish: Wish | null = null;
  #isOver = false;

  constructor(
    private readonly clock: SimulatedClock,
    private readonly random: Random,
    private readonly crash: (services: readonly ServiceName[], downMs: number) => void,
  ) {}

  begin(wish: Wish): void {
    this.#wish = wish;
  }

  recorded({ event }: Fact): void {
    if (this.#wish === null) return;
    if (event?.type !== 'ResumeWindowOpened' && event?.type !== 'RetryScheduled') return;
    const { deadlineAt, retryAt } = event.data as { readonly deadlineAt?: string; readonly retryAt?: string };
    const dueMs = Date.parse(deadlineAt ?? retryAt ?? '');
    const { services, backMs } = this.#wish;
    this.#wish = null;
    const downMs = this.random.integer(this.clock.nowMs, dueMs);
    this.clock.at(downMs, () => {
      if (!this.#isOver) this.crash(services, Math.max(1, dueMs + backMs - this.clock.nowMs));
    });
  }

  end(): void {
    this.#isOver = true;
  }
}
