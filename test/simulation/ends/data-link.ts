import type { Lifetime } from '../world/lifetime.js';
import type { Connection, Path } from '../world/network.js';
import { DATA_SILENCE_MS } from '../world/network.js';
import { SECOND } from '../world/simulated-clock.js';
import type { Content } from './contents.js';
import type { DataRequest, NumberedAnswer, NumberedRequest } from './data-request.js';
import type { OpenExports } from './open-exports.js';

/** The agent's side lost the way to the target, and does not know how much of what it sent arrived. */
export class DataPathLost extends Error {
  override readonly name = 'DataPathLost';

  /** @param silentMs how long nothing had come when that was noticed */
  constructor(
    what: string,
    readonly silentMs = 0,
  ) {
    super(what);
  }
}

/** How long a connection is tried for. */
const CONNECT_LIMIT_MS = 10 * SECOND;

/** An NBD connection of the agent to one served disk. */
export class DataLink {
  #numbers = 0;
  #isLost = false;
  #heardMs: number;
  /** When the oldest unanswered request was sent. */
  #askedMs = 0;
  readonly #unanswered = new Map<
    number,
    { resolve: (content: Content | null) => void; reject: (error: Error) => void }
  >();

  private constructor(
    private readonly connection: Connection,
    private readonly life: Lifetime,
  ) {
    this.#heardMs = life.clock.nowMs;
    connection.listen(
      'client',
      (message) => {
        this.#heardMs = life.clock.nowMs;
        const { number, content } = message as NumberedAnswer;
        this.#unanswered.get(number)?.resolve(content);
        this.#unanswered.delete(number);
      },
      (why) => {
        this.#isLost = true;
        const silentMs = why === 'silent' ? life.clock.nowMs - Math.max(this.#heardMs, this.#askedMs) : 0;
        for (const { reject } of this.#unanswered.values()) reject(new DataPathLost(why, silentMs));
      },
    );
    life.onEnd(() => connection.close('client'));
  }

  /** Tries for ten seconds. @throws DataPathLost */
  static async open(path: Path, exports: OpenExports, port: number, life: Lifetime): Promise<DataLink> {
    const outcome = await life.hear(
      new Promise<'arrived' | 'in vain'>((resolve) => {
        // The first packet is repeated until it gets through.
        const stop = path.onceUp(() => life.after(path.latencyMs(), () => resolve('arrived')));
        life.after(CONNECT_LIMIT_MS, () => {
          stop();
          resolve('in vain');
        });
      }),
    );
    const server = outcome === 'arrived' ? exports.at(port) : null;
    if (server === null) throw new DataPathLost(outcome === 'arrived' ? 'refused' : 'no answer');
    const connection = path.open(DATA_SILENCE_MS);
    server.take(connection);
    const link = new DataLink(connection, life);
    await life.sleep(path.latencyMs());
    return link;
  }

  async read(block: number): Promise<Content> {
    return (await this.#ask({ kind: 'read', block }))!;
  }

  /** Resolves when the target has answered. @throws DataPathLost */
  async request(request: DataRequest): Promise<void> {
    await this.#ask(request);
  }

  async #ask(request: DataRequest): Promise<Content | null> {
    if (this.#isLost) throw new DataPathLost('gone before');
    const number = (this.#numbers += 1);
    if (this.#unanswered.size === 0) this.#askedMs = this.life.clock.nowMs;
    return this.life.hear(
      new Promise<Content | null>((resolve, reject) => {
        this.#unanswered.set(number, { resolve, reject });
        this.connection.send('client', { number, request } satisfies NumberedRequest);
      }),
    );
  }

  close(): void {
    this.connection.close('client');
  }
}
