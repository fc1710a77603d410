import { RpcException } from '@nestjs/microservices';
import type * as z from 'zod';
import type { ServiceCall } from '#libs/contracts';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import { type CallOrigin, type ServiceBus, type Unsubscribe, fromCallFailure } from '#libs/messaging';
import type { Lifetime } from './lifetime.js';
import type { Random } from './random.js';
import { SECOND } from './simulated-clock.js';

/** How NATS behaves while it is there. */
export interface BusManner {
  readonly latencyMs: readonly [number, number];
  readonly requestLost: number;
  readonly answerLost: number;
  readonly twice: number;
  readonly newsLost: number;
}

export type BusFault = 'request-lost' | 'answer-lost' | 'request-twice' | 'news-lost';

/** Takes what was asked, and gives the answer; rejects with an RpcException as a controller does. */
export type Answerer = (envelope: unknown) => Promise<unknown>;

/** As on the real bus. */
const CALL_TIMEOUT_MS = 20 * SECOND;

const RECONNECT_MS = [0, 500] as const;

interface Listener {
  readonly life: Lifetime;
  readonly hear: (payload: unknown) => void;
}

/** NATS: who answers what, who listens to which news, and what gets lost on the way. */
export class SimulatedNats {
  readonly #answerers = new Map<string, { readonly life: Lifetime; readonly answer: Answerer }>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #clients = new Set<() => void>();
  #isAway = false;

  constructor(
    readonly manner: BusManner,
    readonly random: Random,
    readonly onFault: (kind: BusFault, subject: string) => void,
  ) {}

  get isAway(): boolean {
    return this.#isAway;
  }

  set isAway(isAway: boolean) {
    const isReturn = this.#isAway && !isAway;
    this.#isAway = isAway;
    if (isReturn) for (const reconnected of [...this.#clients]) reconnected();
  }

  /** A connection of its own for each process, which comes back some time after NATS does. */
  onReturn(life: Lifetime, listener: () => void): void {
    const reconnected = (): void => {
      life.after(this.random.integer(...RECONNECT_MS), listener);
    };
    this.#clients.add(reconnected);
    life.onEnd(() => this.#clients.delete(reconnected));
  }

  answer(subject: string, life: Lifetime, answer: Answerer): void {
    this.#answerers.set(subject, { life, answer });
  }

  /** Whether any service, running or not, answers this. */
  knows(subject: string): boolean {
    return this.#answerers.has(subject);
  }

  answererOf(subject: string): Answerer | null {
    const found = this.#answerers.get(subject);
    return this.isAway || found === undefined || found.life.isOver ? null : found.answer;
  }

  listen(subject: string, life: Lifetime, hear: (payload: unknown) => void): void {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners);
    const listener = { life, hear };
    listeners.add(listener);
    life.onEnd(() => listeners.delete(listener));
  }

  publish(subject: string, payload: unknown): void {
    for (const { life, hear } of this.#listeners.get(subject) ?? []) {
      if (this.isAway) continue;
      if (this.random.happens(this.manner.newsLost)) this.onFault('news-lost', subject);
      else life.after(this.latencyMs(), () => hear(payload));
    }
  }

  latencyMs(): number {
    return this.random.integer(...this.manner.latencyMs);
  }
}

/** The asking side of NATS, of one process. */
export class BusClient implements Pick<ServiceBus, 'call' | 'publishNews' | 'subscribeToNews' | 'onReturn'> {
  constructor(
    private readonly nats: SimulatedNats,
    private readonly life: Lifetime,
  ) {}

  async call<Request extends z.ZodType, Reply extends z.ZodType>(
    call: ServiceCall<Request, Reply>,
    data: z.input<Request>,
    origin: CallOrigin,
  ): Promise<z.output<Reply>> {
    const answer = await this.#ask(call.subject, { ...origin, data });
    const reply = call.reply.safeParse(answer);
    if (!reply.success) throw new PermanentError(`${call.subject} answered in another shape: ${reply.error.message}`);
    return reply.data;
  }

  publishNews(subject: string, payload: unknown): void {
    this.nats.publish(subject, payload);
  }

  async subscribeToNews(subject: string, listener: (payload: unknown) => void): Promise<Unsubscribe> {
    const subscription = this.life.part();
    this.nats.listen(subject, subscription, listener);
    return () => subscription.end();
  }

  onReturn(listener: () => void): Unsubscribe {
    const registration = this.life.part();
    this.nats.onReturn(registration, listener);
    return () => registration.end();
  }

  async #ask(subject: string, envelope: unknown): Promise<unknown> {
    const { nats, life } = this;
    const { random, manner } = nats;
    await life.sleep(nats.latencyMs());
    if (random.happens(manner.requestLost)) return this.#neverAnswered('request-lost', subject);
    const answerer = nats.answererOf(subject);
    if (answerer === null) throw new TransientError(`Nobody answers on ${subject}`);
    if (random.happens(manner.twice)) {
      nats.onFault('request-twice', subject);
      answerer(envelope).catch(() => undefined);
    }
    // An answerer that dies over it never answers.
    const timedOut = life.sleep(CALL_TIMEOUT_MS).then((): never => {
      throw new TransientError(`No answer on ${subject} within 20 s`);
    });
    const answer = await life.hear(Promise.race([answered(answerer, envelope, subject), timedOut]));
    if (random.happens(manner.answerLost)) return this.#neverAnswered('answer-lost', subject);
    await life.sleep(nats.latencyMs());
    return answer;
  }

  async #neverAnswered(kind: BusFault, subject: string): Promise<never> {
    this.nats.onFault(kind, subject);
    await this.life.sleep(CALL_TIMEOUT_MS);
    throw new TransientError(`No answer on ${subject} within 20 s`);
  }
}

const answered = async (answerer: Answerer, envelope: unknown, subject: string): Promise<unknown> => {
  try {
    return await answerer(envelope);
  } catch (error) {
    throw fromCallFailure(error instanceof RpcException ? error.getError() : error, subject);
  }
};
