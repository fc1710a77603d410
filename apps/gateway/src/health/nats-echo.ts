import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Subject, Subscription, filter, firstValueFrom, map, of, retry, tap, timeout, timer } from 'rxjs';
import { ServiceBus } from '#libs/messaging';
import { newsOf } from '../service-bus/news.js';

const ECHO_WITHIN_MS = 1_000;
const RETRY_MS = 1_000;

/** Asks NATS for a sign of life: what the gateway publishes has to come back to it. */
@Injectable()
export class NatsEcho implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger('NatsEcho');
  readonly #subject = `landfall.gateway.echo.${randomUUID()}`;
  readonly #echoes = new Subject<unknown>();
  #listening = Subscription.EMPTY;

  constructor(private readonly bus: ServiceBus) {}

  /** Does not wait: the gateway is there, and says how it is, before NATS is. */
  onApplicationBootstrap(): void {
    this.#listening = newsOf(this.bus, this.#subject)
      .pipe(
        tap({ error: (error: unknown) => this.#log.warn(`NATS: ${String(error)}`) }),
        retry({ delay: () => timer(RETRY_MS) }),
      )
      .subscribe(this.#echoes);
  }

  onModuleDestroy(): void {
    this.#listening.unsubscribe();
  }

  /** @returns whether NATS gave an answer within a second */
  async answers(): Promise<boolean> {
    const call = randomUUID();
    const echo = firstValueFrom(
      this.#echoes.pipe(
        filter((payload) => payload === call),
        map(() => true),
        timeout({ each: ECHO_WITHIN_MS, with: () => of(false) }),
      ),
    );
    this.bus.publishNews(this.#subject, call);
    return echo;
  }
}
