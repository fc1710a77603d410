import { EndpointFailure } from '#libs/block-transfer';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { HOLD_SCRIPT } from './hold-script.js';

/** A source's file systems are held still for at most this long; whoever writes to them waits meanwhile. */
export const HOLD_LIMIT_SECONDS = 60;
/** Freezing writes out what is in memory first, and that much can take. */
const HOLD_SETUP_LIMIT_MS = 60_000;
/** From the wish to let go to the confirmation. */
const RELEASE_LIMIT_MS = 15_000;

/** The child's word for: all are frozen. */
const HELD = 'held';

/** File systems that are held still. */
export interface HeldFileSystems {
  /** Where they are mounted. */
  readonly mountPoints: readonly string[];
  /** Aborts, with an EndpointFailure, when they are let go before {@link release} was called. */
  readonly lost: AbortSignal;
  /** Lets go. Never rejects. @returns whether they were held without a gap until now */
  release(): Promise<boolean>;
}

export const NOTHING_HELD: HeldFileSystems = {
  mountPoints: [],
  lost: new AbortController().signal,
  release: async () => true,
};

export interface HoldOptions {
  readonly limitSeconds?: number;
  /** Environment of the child. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Freezes the file systems at these mount points, all or none, until released, until the limit, or until this process
 * ends, whichever comes first. Resolves when all are frozen.
 * @throws EndpointFailure `SOURCE_READ_FAILED`
 */
export async function holdFileSystems(
  mountPoints: readonly string[],
  options: HoldOptions = {},
): Promise<HeldFileSystems> {
  const limitSeconds = options.limitSeconds ?? HOLD_LIMIT_SECONDS;
  // A session of its own: a Ctrl-C or a group kill meant for the agent must not take the child that lets go.
  const env = options.env ?? process.env;
  const child = spawn('sh', ['-c', HOLD_SCRIPT, 'landfall-hold', String(limitSeconds), ...mountPoints], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env,
  });
  const holder = new Holder(child, mountPoints, limitSeconds, env);
  await holder.ready;
  return holder;
}

class Holder implements HeldFileSystems {
  readonly ready: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lost = new AbortController();
  readonly #ended: Promise<string>;
  #releasing = false;

  constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    readonly mountPoints: readonly string[],
    limitSeconds: number,
    env: NodeJS.ProcessEnv,
  ) {
    this.#child = child;
    child.stdin.on('error', () => undefined);
    let lastLine = 'failed it ended without a word';
    let announceHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (announceHeld = resolve));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      lastLine = line;
      if (line === HELD) announceHeld();
    });
    // Not the child's `close`: that waits for its standard input too, which a child of its own may still hold.
    const saidAll = new Promise((resolve) => lines.once('close', resolve));
    const exited = new Promise<string | null>((resolve) => {
      child.once('error', (error) => {
        resolve(`failed ${error.message}`);
      });
      child.once('exit', () => {
        resolve(null);
      });
    });
    this.#ended = exited.then(async (failure) => {
      if (failure !== null) return failure;
      await saidAll;
      return lastLine;
    });
    void this.#ended.then((word) => {
      child.stdin.end();
      if (!this.#releasing) this.#lost.abort(lossFailure(word, limitSeconds));
      // It was killed: nobody else is left to let go.
      if (word === HELD) for (const mountPoint of mountPoints) thaw(mountPoint, env);
    });
    this.ready = this.#untilHeld(held);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<boolean> {
    if (this.lost.aborted) return false;
    this.#releasing = true;
    this.#child.stdin.end();
    return (await within(this.#ended, RELEASE_LIMIT_MS, 'failed no answer')) === 'released';
  }

  async #untilHeld(held: Promise<void>): Promise<void> {
    const outcome = await within(
      Promise.race([held.then(() => HELD), this.#ended]),
      HOLD_SETUP_LIMIT_MS,
      'failed no answer',
    );
    if (outcome === HELD) return;
    this.#releasing = true;
    this.#child.stdin.end();
    throw new EndpointFailure('SOURCE_READ_FAILED', `A file system could not be frozen: ${outcome}`);
  }
}

function thaw(mountPoint: string, env: NodeJS.ProcessEnv): void {
  spawn('fsfreeze', ['--unfreeze', mountPoint], { stdio: 'ignore', env }).on('error', () => undefined);
}

function lossFailure(word: string, limitSeconds: number): EndpointFailure {
  const detail =
    word === 'expired'
      ? `The source could not be read within the ${limitSeconds} seconds for which its file systems are held still.`
      : `The file systems were let go while they were being read: ${word}`;
  return new EndpointFailure('SOURCE_READ_FAILED', detail);
}

async function within<T>(promise: Promise<T>, limitMs: number, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
