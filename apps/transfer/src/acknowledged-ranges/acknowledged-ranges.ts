import { Injectable } from '@nestjs/common';
import * as z from 'zod';
import { type ByteRange, byteRange } from '#libs/contracts';
import {
  type CommandContext,
  type DomainEvent,
  type ExpectedRevision,
  type NewEvent,
  RevisionConflict,
  defineCodec,
  eventIdOf,
  metadataOf,
  uuidV5,
} from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';

/** These ranges of a target disk are durable: written, and covered by a flush. Coalesced, one event per flush. */
export type RangesAcknowledged = DomainEvent<
  'RangesAcknowledged',
  { readonly taskId: string; readonly roundId: string; readonly diskId: string; readonly ranges: readonly ByteRange[] }
>;

export const acknowledgedRangesCodec = defineCodec<RangesAcknowledged>({
  RangesAcknowledged: {
    stored: 'transfer.ranges-acknowledged.v1',
    schema: z.object({ taskId: z.uuid(), roundId: z.uuid(), diskId: z.string(), ranges: z.array(byteRange) }),
  },
});

const streamNameFor = (taskId: string): string => `acknowledgedRanges-${taskId}`;

/** The stream is technical: older acknowledgements than these are covered by their round's end. */
const KEPT_EVENTS = 20_000;
/** Keeps one event far below the store's limit of 1 MiB for an append. */
const RANGES_PER_EVENT = 5_000;

/** Where a stream ends, and which events it has: a report that comes again must not be appended again. */
interface Tail {
  readonly revision: ExpectedRevision;
  /** As many as the stream keeps, the oldest first. */
  readonly ids: Set<string>;
}

/**
 * Records what targets acknowledged, in a stream of its own per task. Appends in order, with the exact revision
 * remembered from the append before; another writer or a restart makes it read the stream again.
 */
@Injectable()
export class AcknowledgedRanges {
  readonly #tails = new Map<string, Tail>();

  constructor(private readonly store: EventStoreDb) {}

  async record(data: RangesAcknowledged['data'], context: CommandContext): Promise<void> {
    const streamName = streamNameFor(data.taskId);
    for (let first = 0; first < data.ranges.length; first += RANGES_PER_EVENT) {
      const ranges = data.ranges.slice(first, first + RANGES_PER_EVENT);
      await this.#append(
        streamName,
        { ...data, ranges },
        { ...context, commandId: uuidV5(context.commandId, `${first}`) },
      );
    }
  }

  /** What is remembered of a task, the oldest first. */
  async read(taskId: string): Promise<readonly RangesAcknowledged['data'][]> {
    const persisted = await this.store.readStream(streamNameFor(taskId));
    return persisted.flatMap((stored) => acknowledgedRangesCodec.decode(stored)?.data ?? []);
  }

  async #append(streamName: string, data: RangesAcknowledged['data'], context: CommandContext): Promise<void> {
    const event = {
      id: eventIdOf(context.commandId, 0),
      ...acknowledgedRangesCodec.encode({ type: 'RangesAcknowledged', data }),
      metadata: metadataOf(context, 'transfer'),
    };
    const known = this.#tails.get(streamName);
    if (known?.ids.has(event.id) === true) return;
    if (known !== undefined) {
      try {
        await this.#appendAt(streamName, known, event);
        return;
      } catch (error) {
        this.#tails.delete(streamName);
        if (!(error instanceof RevisionConflict)) throw error;
      }
    }
    const persisted = await this.store.readStream(streamName);
    const last = persisted.at(-1)?.revision ?? 'no-stream';
    if (last === 'no-stream') await this.store.setMaxCount(streamName, KEPT_EVENTS);
    const tail: Tail = { revision: last, ids: new Set(persisted.map(({ id }) => id)) };
    if (tail.ids.has(event.id)) this.#tails.set(streamName, tail);
    else await this.#appendAt(streamName, tail, event);
  }

  async #appendAt(streamName: string, tail: Tail, event: NewEvent): Promise<void> {
    const { revision } = await this.store.append(streamName, tail.revision, [event]);
    const { ids } = tail;
    ids.add(event.id);
    const [oldest] = ids;
    if (ids.size > KEPT_EVENTS && oldest !== undefined) ids.delete(oldest);
    this.#tails.set(streamName, { revision, ids });
  }
}
