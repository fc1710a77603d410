/**
 * Kills the event node at random moments under load, again and again, and checks what it remembers.
 *
 *   npm run fault:event-node -- --rounds 200 --seed 1
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EventStoreDBClient, jsonEvent, NO_STREAM, START, type JSONEventType } from '@eventstore/db-client';
import { NodeProcess } from '../contract/event-store/node-process.js';
import { SeededRandom } from '../contract/event-store/seeded-random.js';

export interface KillFigures {
  readonly seed: number;
  rounds: number;
  acknowledged: number;
  /** Written before the kill, but the answer never arrived. */
  writtenUnanswered: number;
  /** Sent, and lost with the process, as it may. */
  lostUnanswered: number;
  slowestStartMs: number;
}

/** A stream with one writer: what was acknowledged, and the one append that may be under way. */
interface Writer {
  readonly stream: string;
  readonly acknowledged: string[];
  pending: string[] | undefined;
}

const WRITERS = 12;
const LIFE_MS = { from: 5, to: 400 };
const ANSWER_LIMIT_MS = 10_000;

/** @throws Error, naming the seed, when an acknowledged event is lost, doubled or out of order */
export async function killRounds(rounds: number, seed: number, say: (text: string) => void): Promise<KillFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'event-node-kill-'));
  const random = new SeededRandom(seed);
  const figures: KillFigures = {
    seed,
    rounds: 0,
    acknowledged: 0,
    writtenUnanswered: 0,
    lostUnanswered: 0,
    slowestStartMs: 0,
  };
  const writers: Writer[] = Array.from({ length: WRITERS }, (_, index) => ({
    stream: `kill-${index}`,
    acknowledged: [],
    pending: undefined,
  }));
  try {
    for (let round = 0; round < rounds; round += 1) {
      await oneRound(join(folder, 'data'), writers, random, figures);
      figures.rounds += 1;
      if (figures.rounds % 10 === 0) say(JSON.stringify(figures));
    }
    await verifyAll(join(folder, 'data'), writers);
    return figures;
  } catch (error) {
    throw new Error(
      `seed ${seed}, round ${figures.rounds}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneRound(data: string, writers: Writer[], random: SeededRandom, figures: KillFigures): Promise<void> {
  const node = await NodeProcess.start(data);
  figures.slowestStartMs = Math.max(figures.slowestStartMs, Math.round(node.startMs));
  const client = EventStoreDBClient.connectionString(node.url);
  try {
    for (const writer of writers) await settlePending(client, writer, figures);
    const dying = pause(random.between(LIFE_MS.from, LIFE_MS.to)).then(() => node.kill());
    await Promise.all([dying, ...writers.map((writer) => write(client, node, writer, random, figures))]);
  } finally {
    await node.kill();
    await client.dispose();
  }
}

/** Appends until the node is dead. */
async function write(
  client: EventStoreDBClient,
  node: NodeProcess,
  writer: Writer,
  random: SeededRandom,
  figures: KillFigures,
): Promise<void> {
  while (node.running) {
    writer.pending = Array.from({ length: random.between(1, 20) }, () => random.uuid());
    try {
      await within(ANSWER_LIMIT_MS, append(client, writer, writer.pending));
    } catch {
      return;
    }
    figures.acknowledged += writer.pending.length;
    writer.acknowledged.push(...writer.pending);
    writer.pending = undefined;
  }
}

const append = (client: EventStoreDBClient, writer: Writer, ids: readonly string[]): Promise<unknown> =>
  client.appendToStream(
    writer.stream,
    ids.map((id, index) => jsonEvent({ id, type: 'Written', data: { index, filler: 'x'.repeat(300) } })),
    { expectedRevision: writer.acknowledged.length === 0 ? NO_STREAM : BigInt(writer.acknowledged.length - 1) },
  );

/** After a start: all that was acknowledged is there, of the append under way all or nothing; then it is repeated. */
async function settlePending(client: EventStoreDBClient, writer: Writer, figures: KillFigures): Promise<void> {
  const { pending } = writer;
  const from = Math.max(0, writer.acknowledged.length - 50);
  const found = await idsOf(client, writer.stream, from);
  const known = writer.acknowledged.slice(from);
  const withPending = [...known, ...(pending ?? [])];
  const isWritten = pending !== undefined && found.length === withPending.length;
  expectSame(found, isWritten ? withPending : known, writer.stream);
  if (pending === undefined) return;
  if (isWritten) figures.writtenUnanswered += pending.length;
  else figures.lostUnanswered += pending.length;
  await within(ANSWER_LIMIT_MS, append(client, writer, pending));
  expectSame(await idsOf(client, writer.stream, from), withPending, writer.stream);
  writer.acknowledged.push(...pending);
  figures.acknowledged += pending.length;
  writer.pending = undefined;
}

/** Event ids from revision `from` on; checks that revisions have no gap. */
async function idsOf(client: EventStoreDBClient, stream: string, from: number): Promise<string[]> {
  const ids: string[] = [];
  try {
    for await (const { event } of client.readStream<JSONEventType>(stream, { fromRevision: BigInt(from) })) {
      if (event?.revision !== BigInt(from + ids.length)) {
        throw new Error(`${stream}: revision ${event?.revision} where ${from + ids.length} should be`);
      }
      ids.push(event.id);
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'StreamNotFoundError') && !isNotFound(error)) throw error;
  }
  return ids;
}

const isNotFound = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'type' in error && error.type === 'stream-not-found';

async function verifyAll(data: string, writers: readonly Writer[]): Promise<void> {
  const node = await NodeProcess.start(data);
  const client = EventStoreDBClient.connectionString(node.url);
  try {
    for (const writer of writers) {
      const found = await idsOf(client, writer.stream, 0);
      const mayFollow = writer.pending ?? [];
      const expected = [...writer.acknowledged, ...(found.length > writer.acknowledged.length ? mayFollow : [])];
      expectSame(found, expected, writer.stream);
    }
    await verifyOrder(client, writers);
  } finally {
    await client.dispose();
    await node.stop();
  }
}

/** In `$all` every event comes once, positions grow, and each stream is in order. */
async function verifyOrder(client: EventStoreDBClient, writers: readonly Writer[]): Promise<void> {
  const next = new Map(writers.map((writer) => [writer.stream, 0n]));
  let position = -1n;
  for await (const { event } of client.readAll({ fromPosition: START })) {
    if (event === undefined || !next.has(event.streamId)) continue;
    if (event.position.commit <= position) throw new Error(`position ${event.position.commit} after ${position}`);
    position = event.position.commit;
    if (event.revision !== next.get(event.streamId)) throw new Error(`${event.streamId} is out of order in $all`);
    next.set(event.streamId, event.revision + 1n);
  }
  for (const writer of writers) {
    if (Number(next.get(writer.stream)) < writer.acknowledged.length)
      throw new Error(`${writer.stream} is short in $all`);
  }
}

function expectSame(found: readonly string[], expected: readonly string[], stream: string): void {
  const at = expected.findIndex((id, index) => found[index] !== id);
  if (at < 0 && found.length === expected.length) return;
  throw new Error(`${stream}: ${found.length} events, expected ${expected.length}; first difference at ${at}`);
}

/** The client never settles some promises of a broken connection. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  const limit = new AbortController();
  try {
    return await Promise.race([
      promise,
      pause(limitMs, undefined, { signal: limit.signal }).then(() => {
        throw new Error('no answer');
      }),
    ]);
  } finally {
    limit.abort();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
  });
  const figures = await killRounds(Number(values.rounds), Number(values.seed), (text) =>
    process.stdout.write(`${text}\n`),
  );
  process.stdout.write(`no acknowledged event lost, doubled or out of order: ${JSON.stringify(figures)}\n`);
  process.exit(0);
}
