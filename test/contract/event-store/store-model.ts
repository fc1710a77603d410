import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  FORWARDS,
  jsonEvent,
  NO_STREAM,
  START,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type AppendExpectedRevision,
  type JSONEventType,
} from '@eventstore/db-client';
import type { SeededRandom } from './seeded-random.js';

interface ModelStream {
  /** Ids by revision, hidden ones too. */
  readonly ids: string[];
  maxCount: number | undefined;
  truncateBefore: number;
  softDeleted: boolean;
  hasMetadata: boolean;
  tombstoned: boolean;
}

type Outcome = 'ok' | 'wrong-revision' | 'deleted' | 'not-found';

/**
 * A store as it should be: a few maps and no input or output. Does random things to a real store and to itself, and
 * throws where the two differ.
 */
export class StoreModel {
  readonly #random: SeededRandom;
  readonly #prefix: string;
  readonly #streams = new Map<string, ModelStream>();
  /** Stream and revision of every event, in the order they were written. */
  readonly #log: { stream: string; id: string; revision: number }[] = [];
  #lastAppend: { stream: string; expected: AppendExpectedRevision; ids: string[] } | undefined;

  constructor(random: SeededRandom, prefix: string) {
    this.#random = random;
    this.#prefix = prefix;
  }

  async step(client: EventStoreDBClient): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.45) await this.#append(client);
    else if (dice < 0.55) await this.#repeat(client);
    else if (dice < 0.85) await this.#read(client);
    else if (dice < 0.93) await this.#setMetadata(client);
    else if (dice < 0.98) await this.#delete(client);
    else await this.#tombstone(client);
  }

  /** Everything, from both ends. */
  async verify(client: EventStoreDBClient): Promise<void> {
    for (const name of this.#streams.keys()) {
      await this.#compareRead(client, name, 'forwards', 0, Number.MAX_SAFE_INTEGER);
      await this.#compareRead(client, name, 'backwards', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    }
    const seen: { stream: string; id: string; revision: number }[] = [];
    for await (const { event } of client.readAll({ fromPosition: START })) {
      if (event?.streamId.startsWith(this.#prefix) && event.type === 'Modelled') {
        seen.push({ stream: event.streamId, id: event.id, revision: Number(event.revision) });
      }
    }
    same(seen, this.#log, '$all');
  }

  #stream(name: string): ModelStream {
    const known = this.#streams.get(name) ?? {
      ids: [],
      maxCount: undefined,
      truncateBefore: 0,
      softDeleted: false,
      hasMetadata: false,
      tombstoned: false,
    };
    this.#streams.set(name, known);
    return known;
  }

  #anyName(): string {
    return `${this.#prefix}${this.#random.between(0, 7)}`;
  }

  async #append(client: EventStoreDBClient): Promise<void> {
    const name = this.#anyName();
    const { ids } = this.#stream(name);
    const exact = ids.length === 0 ? NO_STREAM : BigInt(ids.length - 1);
    const off = BigInt(Math.max(0, ids.length - 1 + this.#random.pick([-2, -1, 1, 2])));
    const expected = this.#random.pick<AppendExpectedRevision>([
      exact,
      exact,
      exact,
      ANY,
      STREAM_EXISTS,
      NO_STREAM,
      off,
    ]);
    const added = Array.from({ length: this.#random.between(1, 6) }, () => this.#random.uuid());
    await this.#compareAppend(client, name, expected, added);
  }

  /** A caller who never saw the answer asks again: with an exact revision that is always safe. */
  async #repeat(client: EventStoreDBClient): Promise<void> {
    const last = this.#lastAppend;
    if (last === undefined || this.#stream(last.stream).tombstoned) return;
    const { nextExpectedRevision } = await write(client, last.stream, last.expected, last.ids);
    const at = this.#stream(last.stream).ids.indexOf(last.ids.at(-1)!);
    same(Number(nextExpectedRevision), at, `repeat on ${last.stream}`);
  }

  async #compareAppend(
    client: EventStoreDBClient,
    name: string,
    expected: AppendExpectedRevision,
    added: string[],
  ): Promise<void> {
    const stream = this.#stream(name);
    const should = this.#shouldAppend(stream, expected);
    const did = await outcomeOf(write(client, name, expected, added));
    same(did, should, `append to ${name} expecting ${String(expected)}`);
    if (should !== 'ok') return;
    if (stream.softDeleted) {
      stream.softDeleted = false;
      stream.truncateBefore = stream.ids.length;
    }
    for (const id of added) {
      this.#log.push({ stream: name, id, revision: stream.ids.length });
      stream.ids.push(id);
    }
    if (typeof expected === 'bigint' || (expected === NO_STREAM && stream.ids.length === added.length)) {
      this.#lastAppend = { stream: name, expected, ids: added };
    }
  }

  #shouldAppend(stream: ModelStream, expected: AppendExpectedRevision): Outcome {
    if (stream.tombstoned) return 'deleted';
    if (expected === ANY) return 'ok';
    if (expected === STREAM_EXISTS) {
      if (stream.softDeleted) return 'deleted';
      return stream.ids.length > 0 || stream.hasMetadata ? 'ok' : 'wrong-revision';
    }
    if (expected === NO_STREAM) return stream.ids.length === 0 || stream.softDeleted ? 'ok' : 'wrong-revision';
    return expected === BigInt(stream.ids.length - 1) ? 'ok' : 'wrong-revision';
  }

  async #read(client: EventStoreDBClient): Promise<void> {
    const name = this.#anyName();
    const direction = this.#random.pick(['forwards', 'backwards'] as const);
    const from = this.#random.between(0, this.#stream(name).ids.length + 2);
    await this.#compareRead(client, name, direction, from, this.#random.between(1, 20));
  }

  async #compareRead(
    client: EventStoreDBClient,
    name: string,
    direction: 'forwards' | 'backwards',
    from: number,
    count: number,
  ): Promise<void> {
    const stream = this.#stream(name);
    const readable = stream.ids
      .map((id, revision) => ({ id, revision }))
      .slice(Math.max(stream.truncateBefore, stream.ids.length - (stream.maxCount ?? Infinity), 0));
    const ordered =
      direction === 'forwards'
        ? readable.filter(({ revision }) => revision >= from)
        : readable.filter(({ revision }) => revision <= from).reverse();
    const missing = stream.ids.length === 0 || stream.softDeleted;
    const should = stream.tombstoned ? 'deleted' : missing ? 'not-found' : ordered.slice(0, count);
    const found: { id: string; revision: number }[] = [];
    const did = await outcomeOf(
      (async () => {
        const options = {
          direction: direction === 'forwards' ? FORWARDS : BACKWARDS,
          fromRevision: from === Number.MAX_SAFE_INTEGER ? END : BigInt(from),
          maxCount: count,
        } as const;
        for await (const { event } of client.readStream<JSONEventType>(name, options)) {
          found.push({ id: event!.id, revision: Number(event!.revision) });
        }
      })(),
    );
    same(did === 'ok' ? found : did, should, `read ${name} ${direction} from ${from}, ${count} events`);
  }

  async #setMetadata(client: EventStoreDBClient): Promise<void> {
    const name = this.#anyName();
    const stream = this.#stream(name);
    if (stream.tombstoned || stream.softDeleted) return;
    const maxCount = this.#random.pick([undefined, 1, 5]);
    const truncateBefore = this.#random.pick([undefined, this.#random.between(0, stream.ids.length + 1)]);
    await client.setStreamMetadata(name, {
      ...(maxCount !== undefined && { maxCount }),
      ...(truncateBefore !== undefined && { truncateBefore }),
    });
    Object.assign(stream, { maxCount, truncateBefore: truncateBefore ?? 0, hasMetadata: true });
  }

  async #delete(client: EventStoreDBClient): Promise<void> {
    const name = this.#anyName();
    const stream = this.#stream(name);
    const exists = stream.ids.length > 0 || stream.hasMetadata;
    const should = stream.tombstoned ? 'deleted' : exists ? 'ok' : 'wrong-revision';
    const did = await outcomeOf(client.deleteStream(name, { expectedRevision: ANY }));
    same(did, should, `delete ${name}`);
    if (should === 'ok') Object.assign(stream, { softDeleted: true, maxCount: undefined, hasMetadata: true });
  }

  async #tombstone(client: EventStoreDBClient): Promise<void> {
    const name = this.#anyName();
    const stream = this.#stream(name);
    const did = await outcomeOf(client.tombstoneStream(name, { expectedRevision: ANY }));
    same(did, stream.tombstoned ? 'deleted' : 'ok', `tombstone ${name}`);
    stream.tombstoned = true;
  }
}

const write = (client: EventStoreDBClient, stream: string, expectedRevision: AppendExpectedRevision, ids: string[]) =>
  client.appendToStream(
    stream,
    ids.map((id) => jsonEvent({ id, type: 'Modelled', data: { id } })),
    { expectedRevision },
  );

async function outcomeOf(doing: Promise<unknown>): Promise<Outcome> {
  try {
    await doing;
    return 'ok';
  } catch (error) {
    if (error instanceof WrongExpectedVersionError) return 'wrong-revision';
    if (error instanceof StreamDeletedError) return 'deleted';
    if (error instanceof StreamNotFoundError) return 'not-found';
    throw error;
  }
}

function same(found: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: the store says ${left}, the model ${right}`);
}
