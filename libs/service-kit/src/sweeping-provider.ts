import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Sweep, Sweeper } from '#libs/projections';

/**
 * A sweep as a provider of a service: it begins when the service has started, and ends, with the item in hand handled,
 * before anything that it uses is closed.
 */
export abstract class SweepingProvider<Item> implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeper: Sweeper<Item>;

  constructor(settings: Pick<Sweep<Item>, 'name' | 'everyMs' | 'settleMs'>) {
    const sweep: Sweep<Item> = {
      ...settings,
      due: (now) => this.due(now),
      handle: (item, now) => this.handle(item, now),
      describe: (item) => this.describe(item),
    };
    this.#sweeper = new Sweeper(sweep, new Logger(new.target.name));
  }

  protected abstract due(now: Date): Promise<readonly Item[]>;
  protected abstract handle(item: Item, now: Date): Promise<unknown>;
  protected abstract describe(item: Item): string;

  onApplicationBootstrap(): void {
    this.#sweeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#sweeper.stop();
  }

  /** One sweep, now. */
  async sweep(now: Date = new Date()): Promise<void> {
    await this.#sweeper.sweep(now);
  }
}
