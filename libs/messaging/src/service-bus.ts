import { Logger } from '@nestjs/common';
import { type ClientNats, ClientProxyFactory, Transport } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/transport-node';
import { firstValueFrom, timeout } from 'rxjs';
import type * as z from 'zod';
import type { CallEnvelope, ServiceCall } from '#libs/contracts';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import { fromCallFailure } from './call-failure.js';
import { natsOptions } from './nats-options.js';

/** Longer than the slowest answer: an append guarded by 15 s and the wait for its read model. */
const CALL_TIMEOUT_MS = 20_000;

/** Who asks and why. A repeated `commandId` is the same command. */
export type CallOrigin = Omit<CallEnvelope, 'data'>;

/** Stops a subscription to news. */
export type Unsubscribe = () => void;

/** The asking side of NATS: calls to services, and news. One connection. */
export class ServiceBus {
  readonly #client: ClientNats;
  readonly #log = new Logger('ServiceBus');
  readonly #returnListeners = new Set<() => void>();

  constructor(url: string, name: string) {
    this.#client = ClientProxyFactory.create({
      transport: Transport.NATS,
      options: natsOptions(url, name),
    }) as unknown as ClientNats;
    this.#client.on('reconnect', () => {
      for (const listener of [...this.#returnListeners]) listener();
    });
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /**
   * Asks a service and waits for its answer, at most 20 s.
   * @throws DomainError when the service refused; TransientError when it gave no answer, so the call may be repeated;
   * PermanentError when the service broke over it, or answered in another shape
   */
  async call<Request extends z.ZodType, Reply extends z.ZodType>(
    call: ServiceCall<Request, Reply>,
    data: z.input<Request>,
    origin: CallOrigin,
  ): Promise<z.output<Reply>> {
    const envelope: CallEnvelope = { ...origin, data };
    let answer: unknown;
    try {
      answer = await firstValueFrom(this.#client.send<unknown>(call.subject, envelope).pipe(timeout(CALL_TIMEOUT_MS)));
    } catch (error) {
      throw fromCallFailure(error, call.subject);
    }
    const reply = call.reply.safeParse(answer);
    if (!reply.success) throw new PermanentError(`${call.subject} answered in another shape: ${reply.error.message}`);
    return reply.data;
  }

  /** Tells whoever listens; lost when nobody does or NATS is away, see {@link onReturn}. */
  publishNews(subject: string, payload: unknown): void {
    const connection = this.#connection();
    if (connection !== null && !connection.isClosed()) connection.publish(subject, JSON.stringify(payload));
  }

  /** @param listener gets the payload, unchecked */
  async subscribeToNews(subject: string, listener: (payload: unknown) => void): Promise<Unsubscribe> {
    await this.#client.connect();
    const connection = this.#connection();
    if (connection === null) throw new TransientError('NATS is away');
    const subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        // News from anyone: what is not JSON, or makes its listener throw, must not end the subscription.
        try {
          if (error === null) listener(message.json());
        } catch (fault) {
          this.#log.warn(`news on ${subject} was dropped: ${String(fault)}`);
        }
      },
    });
    return () => subscription.unsubscribe();
  }

  /**
   * @param listener is called whenever the connection is there again after it was lost: news told or to be heard since
   * then are lost, of which some have to be made good. Subscriptions are in place by then.
   */
  onReturn(listener: () => void): Unsubscribe {
    this.#returnListeners.add(listener);
    return () => this.#returnListeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #connection(): NatsConnection | null {
    try {
      return this.#client.unwrap<NatsConnection | null>();
    } catch {
      return null; // not connected yet
    }
  }
}
