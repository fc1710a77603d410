import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { type ByteRange, byteRange } from '#libs/contracts';
import {
  type CommandContext,
  type DomainEvent,
  type ExpectedRevision,
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

/** The stream is technical: older acknowledgements than these are covered by their round's end. */
const KEPT_EVENTS = 20_000;
/** Keeps one event far below the store's limit of 1 MiB for an append. */
const RANGES_PER_EVENT = 5_000;

/**
 * Records what targets acknowledged, in a stream of its own per task. Appends in order, with the exact revision
 * remembered from the append before; another writer or a restart makes it read the stream's end again.
 */
@Injectable()
export class AcknowledgedRanges {
  readonly #revisions = new Map<string, ExpectedRevision>();

  constructor(private readonly store: EventStoreDb) {}

  async record(data: RangesAcknowledged['data'], context: CommandContext): Promise<void> {
    const streamName = `acknowledgedRanges-${data.taskId}`;
    for (let first = 0; first < data.ranges.length; first += RANGES_PER_EVENT) {
      const ranges = data.ranges.slice(first, first + RANGES_PER_EVENT);
      await this.#append(
        streamName,
        { ...data, ranges },
        { ...context, commandId: uuidV5(context.commandId, `${first}`) },
      );
    }
  }

  async #append(streamName: string, data: RangesAcknowledged['data'], context: CommandContext): Promise<void> {
    const event = {
      id: eventIdOf(context.commandId, 0),
      ...acknowledgedRangesCodec.encode({ type: 'RangesAcknowledged', data }),
      metadata: metadataOf(context, 'transfer'),
    };
    const known = this.#revisions.get(streamName);
    if (known !== undefined) {
      try {
        const { revision } = await this.store.append(streamName, known, [event]);
        this.#revisions.set(streamName, revision);
        return;
      } catch (error) {
        this.#revisions.delete(streamName);
        if (!(error instanceof RevisionConflict)) throw error;
      }
    }
    const persisted = await this.store.readStream(streamName);
    const last = persisted.at(-1)?.revision ?? 'no-stream';
    if (last === 'no-stream') await this.store.setMaxCount(streamName, KEPT_EVENTS);
    // A repeated report: its event is there already, at a revision before the end.
    if (persisted.some(({ id }) => id === event.id)) {
      this.#revisions.set(streamName, last);
      return;
    }
    const { revision } = await this.store.append(streamName, last, [event]);
    this.#revisions.set(streamName, revision);
  }
}
