import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ServiceBus } from '#libs/messaging';

/** Connects in the background, so that the gateway answers (that it cannot help yet) before NATS is there. */
@Injectable()
export class ServiceBusConnection implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger('ServiceBus');

  constructor(private readonly bus: ServiceBus) {}

  onApplicationBootstrap(): void {
    this.bus.connect().then(
      () => this.#log.log('connected to NATS'),
      // The next call connects again.
      (error: unknown) => this.#log.warn(`no connection to NATS: ${String(error)}`),
    );
  }

  /** Last: requests in hand may still ask. */
  async onApplicationShutdown(): Promise<void> {
    await this.bus.close();
  }
}
