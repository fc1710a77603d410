import { randomUUID } from 'node:crypto';
import type { EventLog, LogWriter } from '../storage/event-log.js';
import { EventType, metastreamOf, NO_REVISION, type LogRecord, type NewEvent } from '../storage/record.js';
import { newestEvent } from '../storage/stream-states.js';
import { firstReadable, presenceOf } from '../streams/read-stream.js';
import { resolveLink, type ResolvedEvent } from '../streams/resolve-link.js';
import { metadataEvent, softDeleteStream } from '../streams/write-stream.js';
import { checkpointStreamOf, CONFIGURATION_STREAM, parkedStreamOf, type GroupIdentity } from './group-identity.js';
import type { GroupSettings } from './group-settings.js';

const ADMINS_ONLY = { $r: '$admins', $w: '$admins', $d: '$admins', $mr: '$admins', $mw: '$admins' };
const NO_BYTES = new Uint8Array(0);
const PARKED_PAGE = { events: 256, bytes: 1_000_000 };

export interface StoredGroup {
  readonly identity: GroupIdentity;
  readonly settings: GroupSettings;
}

/** Why a message was parked, and what it had been. */
export interface ParkedBecause {
  readonly reason: string;
  /** Left out when 0, as the real server does. */
  readonly revision?: number;
}

/** What groups keep in the log: their configuration, how far they are, and the messages nobody could handle. */
export class GroupStorage {
  readonly #log: EventLog;
  readonly #now: () => number;

  constructor(log: EventLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  readGroups(): StoredGroup[] {
    const record = newestEvent(this.#log.rows, CONFIGURATION_STREAM);
    return record === undefined ? [] : decodeGroups(record);
  }

  async writeGroups(groups: readonly StoredGroup[]): Promise<void> {
    await this.#log.write((writer) => {
      keepNewestTwo(writer, CONFIGURATION_STREAM);
      writer.append(writer.state(CONFIGURATION_STREAM), [
        jsonEvent('PersistentConfig1', { version: '2', entries: groups }),
      ]);
    });
  }

  /** The last handled revision, or position for `$all`, as it was written. */
  readCheckpoint(identity: GroupIdentity): number | undefined {
    const state = this.#log.states.of(checkpointStreamOf(identity));
    if (presenceOf(state) !== 'present') return undefined;
    const record = newestEvent(this.#log.rows, state.name);
    return record === undefined ? undefined : decodeCheckpoint(record);
  }

  async writeCheckpoint(identity: GroupIdentity, text: string): Promise<void> {
    await this.#log.write((writer) => {
      const stream = checkpointStreamOf(identity);
      keepNewestTwo(writer, stream);
      writer.append(writer.state(stream), [jsonEvent('SubscriptionCheckpoint', text)]);
    });
  }

  async park(identity: GroupIdentity, message: ResolvedEvent, because: ParkedBecause): Promise<void> {
    const { event, link } = message;
    const target = event === undefined ? (link?.data ?? NO_BYTES) : Buffer.from(`${event.revision}@${event.stream}`);
    const description = {
      added: new Date(this.#now()).toISOString(),
      reason: because.reason,
      ...(because.revision && { subscriptionEventNumber: because.revision }),
    };
    const parked: NewEvent = {
      id: randomUUID(),
      type: EventType.Link,
      isJson: false,
      data: target,
      metadata: Buffer.from(JSON.stringify(description, null, 2)),
    };
    await this.#log.write((writer) => writer.append(writer.state(parkedStreamOf(identity)), [parked]));
  }

  /** @returns how many parked messages wait to be replayed */
  parkedCount(identity: GroupIdentity): number {
    const state = this.#log.states.of(parkedStreamOf(identity));
    if (presenceOf(state) !== 'present') return 0;
    return Math.max(0, state.last + 1 - firstReadable(this.#log, state, this.#now()));
  }

  /**
   * Takes parked messages out to be delivered again: those below revision `stopAt` of the parked stream, or all.
   *
   * @returns the messages, each with its link
   */
  async takeParked(identity: GroupIdentity, stopAt: number | undefined): Promise<ResolvedEvent[]> {
    const state = this.#log.states.of(parkedStreamOf(identity));
    if (state.id === undefined || presenceOf(state) !== 'present') return [];
    const end = Math.min(state.last + 1, stopAt ?? Number.MAX_SAFE_INTEGER);
    const messages: ResolvedEvent[] = [];
    let next = firstReadable(this.#log, state, this.#now());
    if (next >= end) return [];
    while (next < end) {
      const page = this.#log.rows.forward(state.id, next, end - 1, PARKED_PAGE);
      const last = page.at(-1);
      if (last === undefined) break;
      messages.push(...page.map((record) => resolveLink(this.#log, record, this.#now())));
      next = last.revision + 1;
    }
    await this.#log.write((writer) => {
      writer.append(writer.state(metastreamOf(state.name)), [
        metadataEvent(JSON.stringify({ $tb: end, $acl: ADMINS_ONLY })),
      ]);
    });
    return messages;
  }

  async forget(identity: GroupIdentity): Promise<void> {
    for (const stream of [checkpointStreamOf(identity), parkedStreamOf(identity)]) {
      if (this.#log.states.of(stream).last !== NO_REVISION) await softDeleteStream(this.#log, stream, 'any');
    }
  }
}

function keepNewestTwo(writer: LogWriter, stream: string): void {
  const metastream = writer.state(metastreamOf(stream));
  if (metastream.last !== NO_REVISION && writer.state(stream).metadata.maxCount === 2) return;
  const metadata: Record<string, unknown> = { $maxCount: 2, $acl: ADMINS_ONLY };
  // After a soft delete the numbering goes on; what lay before stays hidden.
  if (writer.state(stream).last !== NO_REVISION) metadata['$tb'] = writer.state(stream).last + 1;
  writer.append(metastream, [metadataEvent(JSON.stringify(metadata))]);
}

const jsonEvent = (type: string, value: unknown): NewEvent => ({
  id: randomUUID(),
  type,
  isJson: true,
  data: Buffer.from(JSON.stringify(value)),
  metadata: NO_BYTES,
});

/** The node wrote it itself; the shape is what `writeGroups` made. */
function decodeGroups(record: LogRecord): StoredGroup[] {
  const { entries } = JSON.parse(Buffer.from(record.data).toString('utf8')) as { entries: StoredGroup[] };
  return entries;
}

function decodeCheckpoint(record: LogRecord): number | undefined {
  const text: unknown = JSON.parse(Buffer.from(record.data).toString('utf8'));
  const digits = typeof text === 'string' ? /^(?:C:)?(\d+)/.exec(text)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}
