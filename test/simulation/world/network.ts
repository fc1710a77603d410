import type { Random } from './random.js';
import { SECOND, type SimulatedClock } from './simulated-clock.js';

/** How a network behaves while nothing is cut. */
export interface NetworkManner {
  readonly latencyMs: readonly [number, number];
  /** How likely a message takes up to {@link hiccupMs} longer. */
  readonly hiccup: number;
  readonly hiccupMs: number;
  /** How likely a connection is reset by a message, which is lost with all that are under way. */
  readonly reset: number;
}

export type Side = 'client' | 'server';
const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

/** Why a connection is no more, as one of its sides sees it. */
export type Closure = 'closed by the other side' | 'silent' | 'reset';

/** One way through the network. While it is cut, everything on it waits, as TCP repeats what nobody confirms. */
export class Path {
  #isUp = true;
  /** Counts cuts and restorations: whoever waits for one of them to last knows whether it did. */
  #changes = 0;
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<() => void>();
  /** Nothing takes any time: set by a fault that wants to hit a moment exactly. */
  isInstant = false;
  /** Since when it was not cut; only meaningful while it is not. */
  upSinceMs = 0;

  constructor(
    readonly name: string,
    readonly clock: SimulatedClock,
    readonly random: Random,
    readonly manner: NetworkManner,
  ) {}

  get isUp(): boolean {
    return this.#isUp;
  }

  latencyMs(): number {
    if (this.isInstant) return 0;
    const { latencyMs, hiccup, hiccupMs } = this.manner;
    const extra = this.random.happens(hiccup) ? this.random.integer(0, hiccupMs) : 0;
    return this.random.integer(...latencyMs) + extra;
  }

  cut(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#changes += 1;
    for (const connection of this.#connections) connection.beginSilence();
  }

  restore(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.upSinceMs = this.clock.nowMs;
    this.#changes += 1;
    for (const wake of [...this.#waiting]) wake();
    for (const connection of [...this.#connections]) connection.endSilence();
  }

  /** Resets every connection, without cutting the path. */
  reset(): void {
    for (const connection of [...this.#connections]) connection.reset();
  }

  /** Calls back after a while, unless the path comes back before. */
  ifStillCut(afterMs: number, action: () => void): void {
    const change = this.#changes;
    this.clock.after(afterMs, () => {
      if (!this.#isUp && this.#changes === change) action();
    });
  }

  /** Once the path is there: at once, or when it is restored. @returns stops the waiting */
  onceUp(action: () => void): () => void {
    if (this.#isUp) {
      action();
      return () => undefined;
    }
    const wake = (): void => {
      this.#waiting.delete(wake);
      action();
    };
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  open(silenceLimitMs: readonly [number, number]): Connection {
    const connection = new Connection(this, silenceLimitMs, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    return connection;
  }
}

interface Direction {
  readonly queue: { readonly dueMs: number; readonly message: unknown }[];
  lastDueMs: number;
}

interface End {
  isOpen: boolean;
  onMessage: (message: unknown) => void;
  onClosed: (why: Closure) => void;
}

const freshDirection = (): Direction => ({ queue: [], lastDueMs: 0 });
const freshEnd = (): End => ({ isOpen: true, onMessage: () => undefined, onClosed: () => undefined });

/**
 * A TCP connection: what arrives arrives in order and once; what does not arrive takes the connection with it, and
 * nobody knows how much of it had arrived. A side that hears nothing for its limit gives up on its own.
 */
export class Connection {
  readonly #ends: Readonly<Record<Side, End>> = { client: freshEnd(), server: freshEnd() };
  /** Named after who receives. */
  readonly #to: Readonly<Record<Side, Direction>> = { client: freshDirection(), server: freshDirection() };

  constructor(
    private readonly path: Path,
    private readonly silenceLimitMs: readonly [number, number],
    private readonly onGone: () => void,
  ) {}

  isOpenAt(side: Side): boolean {
    return this.#ends[side].isOpen;
  }

  listen(side: Side, onMessage: (message: unknown) => void, onClosed: (why: Closure) => void): void {
    Object.assign(this.#ends[side], { onMessage, onClosed });
  }

  /** Nothing is sent through a side that is closed. */
  send(from: Side, message: unknown): void {
    if (!this.#ends[from].isOpen) return;
    const { path } = this;
    if (path.isUp && path.random.happens(path.manner.reset)) {
      this.reset();
      return;
    }
    const to = other(from);
    const direction = this.#to[to];
    const dueMs = Math.max(direction.lastDueMs, path.clock.nowMs + path.latencyMs());
    direction.lastDueMs = dueMs;
    direction.queue.push({ dueMs, message });
    path.clock.at(dueMs, () => this.#deliver(to));
  }

  /** One side closes, and tells the other, which hears of it behind everything that was sent before. */
  close(side: Side): void {
    if (!this.#leave(side)) return;
    const direction = this.#to[other(side)];
    const dueMs = Math.max(direction.lastDueMs, this.path.clock.nowMs + this.path.latencyMs());
    this.path.clock.at(dueMs, () => {
      this.path.onceUp(() => this.#end(other(side), 'closed by the other side'));
    });
    this.path.ifStillCut(this.#silenceMs(), () => this.#end(other(side), 'silent'));
  }

  /** One side is gone without a word, as a machine without power. */
  vanish(side: Side): void {
    if (!this.#leave(side)) return;
    this.path.clock.after(this.#silenceMs(), () => this.#end(other(side), 'silent'));
  }

  /** Both sides find the connection broken; what was under way is lost. */
  reset(): void {
    for (const side of ['client', 'server'] as const) {
      this.#to[side].queue.length = 0;
      this.path.clock.after(this.path.latencyMs(), () => this.#end(side, 'reset'));
    }
  }

  beginSilence(): void {
    for (const side of ['client', 'server'] as const) {
      this.path.ifStillCut(this.#silenceMs(), () => this.#end(side, 'silent'));
    }
  }

  /** What waited goes on; a side that has given up meanwhile is not there to answer. */
  endSilence(): void {
    for (const side of ['client', 'server'] as const) {
      this.#deliver(side);
      if (this.#ends[side].isOpen && !this.#ends[other(side)].isOpen) {
        this.path.clock.after(this.path.latencyMs(), () => this.#end(side, 'reset'));
      }
    }
  }

  #silenceMs(): number {
    return this.path.random.integer(...this.silenceLimitMs);
  }

  #deliver(to: Side): void {
    const { queue } = this.#to[to];
    while (this.path.isUp && queue[0] !== undefined && queue[0].dueMs <= this.path.clock.nowMs) {
      const { message } = queue.shift()!;
      if (this.#ends[to].isOpen) this.#ends[to].onMessage(message);
    }
  }

  #end(side: Side, why: Closure): void {
    if (this.#leave(side)) this.#ends[side].onClosed(why);
  }

  #leave(side: Side): boolean {
    if (!this.#ends[side].isOpen) return false;
    this.#ends[side].isOpen = false;
    if (!this.#ends[other(side)].isOpen) this.onGone();
    return true;
  }
}

/** Limits after which a silent connection is given up: the heartbeat's of the control channel, and an NBD reply's. */
export const CONTROL_SILENCE_MS: readonly [number, number] = [45 * SECOND, 60 * SECOND];
export const DATA_SILENCE_MS: readonly [number, number] = [2 * SECOND, 30 * SECOND];
