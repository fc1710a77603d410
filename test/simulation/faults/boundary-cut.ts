import type { Fact } from '../world/live-folds.js';
import { HOUR } from '../world/simulated-clock.js';
import type { World } from '../world/world.js';

/** When no window opens, because there is nothing to lose, the path comes back after this. */
const PATIENCE_MS = 2 * HOUR;

/**
 * Cuts the data path, waits for the window that opens over it, and restores the path at its deadline, or a millisecond
 * beside it. Around that moment nothing takes any time, so that what is done then is also told then.
 */
export class BoundaryCut {
  #offsetMs: number | null = null;
  #takeBack = (): void => undefined;
  #isOver = false;

  constructor(
    private readonly world: World,
    private readonly path: { cut(): void; restore(): void },
  ) {}

  begin(offsetMs: number): void {
    if (this.#offsetMs !== null) return;
    this.#offsetMs = offsetMs;
    this.path.cut();
    this.#takeBack = this.world.clock.after(PATIENCE_MS, () => {
      this.#offsetMs = null;
      this.path.restore();
    });
  }

  recorded({ event }: Fact): void {
    if (this.#offsetMs === null || event?.type !== 'ResumeWindowOpened') return;
    const { cause, deadlineAt } = event.data as { readonly cause: string; readonly deadlineAt: string };
    if (cause !== 'link-lost' && cause !== 'begin') return;
    const restoredMs = Date.parse(deadlineAt) + this.#offsetMs;
    this.#offsetMs = null;
    this.#takeBack();
    this.world.clock.at(restoredMs, () => {
      if (this.#isOver) return;
      this.#setInstant(true);
      this.path.restore();
      this.world.clock.after(1, () => this.#setInstant(false));
    });
  }

  end(): void {
    this.#isOver = true;
    this.#offsetMs = null;
    this.#takeBack();
    this.#setInstant(false);
  }

  #setInstant(isInstant: boolean): void {
    for (const path of Object.values(this.world.paths)) path.isInstant = isInstant;
  }
}
