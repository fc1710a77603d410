import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import * as z from 'zod';
import { DATA_SEEN, type EndpointProgress, instant } from '#libs/contracts';
import { ServiceBus, type Unsubscribe } from '#libs/messaging';
import { NewestPerTask } from './newest-per-task.js';
import { type ServedBytes, hasGrown, servedBytesOf } from './served-bytes.decision.js';

const news = z.object({ taskId: z.uuid(), at: instant });

/**
 * When bytes last reached the target of each task. The replica that hears a restorer tells the others, so each can
 * tell whether data flows. It is not recorded: restorers speak about twice a second, and a replica that starts
 * listens for a while before it judges.
 */
@Injectable()
export class DataSeen implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #served = new NewestPerTask<ServedBytes>();
  readonly #seenAt = new NewestPerTask<string>();
  #unsubscribe: Unsubscribe = () => undefined;

  constructor(private readonly bus: ServiceBus) {}

  async onApplicationBootstrap(): Promise<void> {
    this.#unsubscribe = await this.bus.subscribeToNews(DATA_SEEN, (payload) => {
      const { taskId, at } = news.parse(payload);
      this.#note(taskId, at);
    });
  }

  beforeApplicationShutdown(): void {
    this.#unsubscribe();
  }

  /** Takes a restorer's view of a round; tells everybody when more has been written than before. */
  observe(progress: EndpointProgress, now: Date): void {
    const { taskId } = progress;
    const served = servedBytesOf(progress);
    const isGrown = hasGrown(this.#served.get(taskId), served);
    this.#served.set(taskId, served);
    if (!isGrown) return;
    const at = now.toISOString();
    // Not by way of the news alone: they are lost while NATS is away.
    this.#note(taskId, at);
    this.bus.publishNews(DATA_SEEN, { taskId, at });
  }

  /** ISO 8601; null when nothing was seen of the task's data since this process began. */
  newestOf(taskId: string): string | null {
    return this.#seenAt.get(taskId);
  }

  #note(taskId: string, at: string): void {
    const known = this.#seenAt.get(taskId);
    if (known === null || known < at) this.#seenAt.set(taskId, at);
  }
}
