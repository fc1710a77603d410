import { EndpointFailure } from '#libs/block-transfer';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { HOLD_SCRIPT } from './hold-script.js';

/** A source's file systems are held still for at most this long; whoever writes to them waits meanwhile. */
export const HOLD_LIMIT_SECONDS = 60;
/** From the wish to let go, or the limit, to the child's last word. */
const RELEASE_LIMIT_MS = 15_000;
/** A child that was killed may have left an fsfreeze behind, which keeps the child's output open. */
const LAST_WORD_LIMIT_MS = 500;

/** The child's word for: all are frozen. */
const HELD = 'held';
/** What it may say last; after any of them, nothing is frozen by it. */
const LAST_WORD = /^(released|expired|lost|failed .*)$/;

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
  // Who unmounts one of them is told that it is in use: frozen, it could be reached by nobody any more.
  const folders = await holdOpen(mountPoints);
  const child = spawn('sh', ['-c', HOLD_SCRIPT, 'landfall-hold', String(limitSeconds), ...mountPoints], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env,
  });
  const holder = new Holder(child, mountPoints, { limitSeconds, env, folders });
  await holder.ready;
  return holder;
}

/** One that cannot be opened cannot be frozen either, and fsfreeze says why. */
async function holdOpen(mountPoints: readonly string[]): Promise<FileHandle[]> {
  const opened = await Promise.allSettled(mountPoints.map((mountPoint) => open(mountPoint)));
  return opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

class Holder implements HeldFileSystems {
  readonly ready: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lost = new AbortController();
  /** With the child's last word, or why there is none. */
  readonly #ended: Promise<string>;
  readonly #limitSeconds: number;
  #releasing = false;

  constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    readonly mountPoints: readonly string[],
    { limitSeconds, env, folders }: { limitSeconds: number; env: NodeJS.ProcessEnv; folders: readonly FileHandle[] },
  ) {
    this.#child = child;
    this.#limitSeconds = limitSeconds;
    child.stdin.on('error', () => undefined);
    let lastWord: string | null = null;
    let complaint = '';
    let announceHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (announceHeld = resolve));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      if (line === HELD) announceHeld();
      else if (!LAST_WORD.test(line)) complaint = line;
      else lastWord = line.startsWith('failed') && complaint !== '' ? `${line}: ${complaint}` : line;
    });
    // Not the child's `close`: that waits for its standard input too, which a child of its own may still hold.
    const saidAll = new Promise<'said all'>((resolve) => lines.once('close', () => resolve('said all')));
    const exited = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        // It never began, so it has frozen nothing.
        lastWord = `failed ${error.message}`;
        resolve();
      });
      child.once('exit', () => resolve());
    });
    this.#ended = exited.then(async () => {
      const heard = await within(saidAll, LAST_WORD_LIMIT_MS, null);
      child.stdin.end();
      if (lastWord === null) {
        // It was killed: nobody else is left to let go, also of what a fsfreeze that it left behind may still freeze.
        thawAll(mountPoints, env);
        if (heard === null) void saidAll.then(() => thawAll(mountPoints, env));
      }
      await Promise.all(folders.map((folder) => folder.close()));
      return lastWord ?? 'failed it ended without a word';
    });
    void this.#ended.then((word) => {
      if (!this.#releasing) this.#lost.abort(lossFailure(word, limitSeconds));
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
      this.#limitSeconds * 1000 + RELEASE_LIMIT_MS,
      'failed no answer',
    );
    if (outcome === HELD) return;
    this.#releasing = true;
    this.#child.stdin.end();
    const how = outcome === 'expired' ? ` within ${this.#limitSeconds} seconds.` : `: ${outcome}`;
    throw new EndpointFailure('SOURCE_READ_FAILED', `A file system could not be frozen${how}`);
  }
}

function thawAll(mountPoints: readonly string[], env: NodeJS.ProcessEnv): void {
  for (const mountPoint of mountPoints) {
    spawn('fsfreeze', ['--unfreeze', mountPoint], { stdio: 'ignore', env }).on('error', () => undefined);
  }
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
