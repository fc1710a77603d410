import type { Lifetime } from './lifetime.js';

export interface SweeperOptions {
  readonly life: Lifetime;
  /** Between the end of a sweep and the beginning of the next. */
  readonly everyMs: number;
  /** Between the start of the process and its first sweep. */
  readonly settleMs: number;
  /** From when on a sweep finds something; null: not before something changes. */
  readonly worthwhileMs: () => number | null;
  /** Has the listener called whenever that may have changed. @returns takes the listener back */
  readonly onChange: (listener: () => void) => () => void;
  readonly sweep: (now: Date) => Promise<void>;
}

/**
 * Has a sweeper of the product sweep at its interval, as its own timer does; as nothing happens in sweeps that find
 * nothing, it sleeps until the first of them that finds something.
 */
export class Sweeper {
  constructor(private readonly options: SweeperOptions) {}

  async run(): Promise<void> {
    const { life, everyMs, settleMs, sweep } = this.options;
    await life.sleep(settleMs);
    for (;;) {
      await this.#untilWorthwhile();
      await life.hear(sweep(new Date()).catch(() => undefined));
      await life.sleep(everyMs);
    }
  }

  async #untilWorthwhile(): Promise<void> {
    const { life, worthwhileMs } = this.options;
    for (;;) {
      const fromMs = worthwhileMs();
      if (fromMs !== null && fromMs <= life.clock.nowMs) return;
      await this.#untilChange(fromMs);
    }
  }

  #untilChange(orMs: number | null): Promise<void> {
    const { life, onChange } = this.options;
    return new Promise((resolve) => {
      const wake = (): void => {
        forget();
        cancel();
        if (!life.isOver) resolve();
      };
      const forget = onChange(wake);
      const cancel = orMs === null ? (): void => undefined : life.clock.at(orMs, wake);
      life.onEnd(forget);
    });
  }
}
