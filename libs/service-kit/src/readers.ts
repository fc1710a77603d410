import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EventStoreDb } from '#libs/eventstore';
import { EventReader, type Projection, type Reaction, type ReaderLog } from '#libs/projections';

/** The projections and reactions of a service, running from {@link start} until {@link stop}. */
@Injectable()
export class Readers {
  readonly #readers: EventReader[] = [];

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  start(subscribers: readonly (Projection | Reaction)[]): void {
    for (const subscriber of subscribers) {
      const logger = new Logger(`Reader:${subscriber.name}`);
      const log: ReaderLog = { info: (message) => logger.log(message), warn: (message) => logger.warn(message) };
      const reader = new EventReader(this.store, this.dataSource, subscriber, log);
      this.#readers.push(reader);
      reader.start();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()));
  }

  /** Name and fault of each reader; a fault is null while the reader reads or waits for its turn. */
  status(): readonly { name: string; fault: string | null }[] {
    return this.#readers.map(({ name, fault }) => ({ name, fault }));
  }
}
