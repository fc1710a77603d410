import { randomUUID } from 'node:crypto';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { EventLog } from '../storage/event-log.js';
import type { LogRecord } from '../storage/record.js';
import { AllFollower, StreamFollower } from '../streams/follow.js';
import { pump } from '../streams/pump.js';
import { presenceOf, READ_PAGE, readBackward, readForward } from '../streams/read-stream.js';
import type { ReadingTurns } from '../streams/reading-turns.js';
import { resolveLink, unresolved } from '../streams/resolve-link.js';
import { asCallError, CallError, streamDeleted } from './call-errors.js';
import type { CallSink } from './call-sink.js';
import type { OpenCalls } from './open-calls.js';
import { parseReadRequest, type ReadRequest } from './read-request.js';
import * as responses from './read-responses.js';

export interface ReadSettings {
  readonly now: () => number;
  readonly turns: ReadingTurns;
  /** What happens to a live subscriber that does not keep up. */
  readonly slowSubscribers: 'fall-behind' | 'abort';
}

/** Streams.Read: reads and subscriptions, of a stream or of `$all`. */
export const readHandler =
  (log: EventLog, calls: OpenCalls, settings: ReadSettings) =>
  (call: ServerWritableStream<ReadReq, Buffer>): void => {
    const sink = calls.add(call);
    new ReadCall(log, settings, sink).run(call.request).catch((error: unknown) => {
      sink.fail(asCallError(error));
    });
  };

class ReadCall {
  readonly #log: EventLog;
  readonly #settings: ReadSettings;
  readonly #sink: CallSink;

  constructor(log: EventLog, settings: ReadSettings, sink: CallSink) {
    this.#log = log;
    this.#settings = settings;
    this.#sink = sink;
  }

  async run(message: ReadReq): Promise<void> {
    const request = parseReadRequest(message, this.#log.lastPosition);
    if (request.count === 'subscription') await this.#subscribe(request);
    else if (request.source.kind === 'stream') await this.#readStream(request, request.source, request.count);
    else await this.#readAll(request, request.source, request.count);
    this.#sink.end();
  }

  async #readStream(
    request: ReadRequest,
    source: ReadRequest['source'] & { kind: 'stream' },
    count: number,
  ): Promise<void> {
    const { stream } = source;
    const presence = presenceOf(this.#log.states.of(stream));
    if (presence === 'deleted') throw streamDeleted(stream);
    if (presence === 'not-found') {
      this.#sink.write(responses.streamNotFoundResponse(stream));
      return;
    }
    let next = source.from === 'start' ? 0 : source.from === 'end' ? Number.MAX_SAFE_INTEGER - 1 : source.from;
    let left = count;
    let first = true;
    while (left > 0) {
      await this.#settings.turns.next();
      if (this.#sink.closed) return;
      const state = this.#log.states.of(stream);
      const limit = { events: Math.min(left, READ_PAGE.events), bytes: READ_PAGE.bytes };
      const read = request.backwards ? readBackward : readForward;
      const records = read(this.#log, state, next, limit, this.#settings.now());
      if (first && !request.backwards && request.compatibility > 0 && records[0]?.revision !== next) {
        this.#sink.write(responses.firstRevisionResponse(records[0]?.revision ?? state.last + 1));
      }
      first = false;
      const last = records.at(-1);
      if (last === undefined) break;
      left -= records.length;
      next = request.backwards ? last.revision - 1 : last.revision + 1;
      await this.#send(request, records);
      if (next < 0) break;
    }
    if (request.compatibility > 0) {
      this.#sink.write(responses.lastRevisionResponse(this.#log.states.of(stream).last));
    }
  }

  async #readAll(request: ReadRequest, source: ReadRequest['source'] & { kind: 'all' }, count: number): Promise<void> {
    let left = count;
    let next = firstOfAll(source.from, request.backwards);
    // What is appended while the read goes on is not part of it: a reader of everything must come to an end.
    const end = this.#log.lastPosition;
    while (left > 0) {
      await this.#settings.turns.next();
      if (this.#sink.closed) return;
      const limit = {
        events: source.window ? READ_PAGE.events : Math.min(left, READ_PAGE.events),
        bytes: READ_PAGE.bytes,
      };
      const page = request.backwards ? this.#log.rows.allBefore(next, limit) : this.#log.rows.allAfter(next, limit);
      const last = page.at(-1);
      if (last === undefined) break;
      const accepted = page.filter((record) => record.position <= end && (source.window?.accepts(record) ?? true));
      const wanted = accepted.slice(0, left);
      left -= wanted.length;
      next = last.position;
      await this.#send(request, wanted);
      if (!request.backwards && next >= end) break;
    }
  }

  async #send(request: ReadRequest, records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#sink.write(this.#encode(request, record))) continue;
      await this.#sink.drained();
      if (this.#sink.closed) return;
    }
  }

  #encode(request: ReadRequest, record: LogRecord): Buffer {
    const event = request.resolveLinks ? resolveLink(this.#log, record, this.#settings.now()) : unresolved(record);
    return responses.eventResponse(event, { uuid: request.uuid });
  }

  async #subscribe(request: ReadRequest): Promise<void> {
    const { source } = request;
    if (source.kind === 'stream' && presenceOf(this.#log.states.of(source.stream)) === 'deleted') {
      throw streamDeleted(source.stream);
    }
    const follower =
      source.kind === 'stream'
        ? new StreamFollower(this.#log, source.stream, firstOfStream(source.from), this.#settings.now)
        : new AllFollower(
            this.#log,
            source.from === 'end' ? this.#log.lastPosition : numeric(source.from),
            source.window,
          );
    const sink = this.#sink;
    sink.write(responses.confirmationResponse(randomUUID()));
    const ending = await pump(
      follower,
      {
        get closed() {
          return sink.closed;
        },
        event: (record) => sink.write(this.#encode(request, record)),
        checkpoint: (position) => sink.write(responses.checkpointResponse(position)),
        caughtUp: () => sink.write(responses.caughtUpResponse()),
        fellBehind: () => {
          if (this.#settings.slowSubscribers === 'abort') return false;
          sink.write(responses.fellBehindResponse());
          return true;
        },
        drained: () => sink.drained(),
        onClose: (listener) => sink.onClose(listener),
      },
      this.#settings.turns,
    );
    if (ending === 'deleted' && source.kind === 'stream') throw streamDeleted(source.stream);
    if (ending === 'too-slow') {
      throw new CallError(status.ABORTED, 'Operation timed out: Consumer too slow to handle event while live.');
    }
  }
}

const numeric = (from: 'start' | number): number => (from === 'start' ? 0 : from);

/** A subscription begins behind the revision it names. */
const firstOfStream = (from: ReadRequest['source']['from']): number | 'end' =>
  from === 'end' ? 'end' : from === 'start' ? 0 : from + 1;

/**
 * The exclusive border to begin at. Forwards a read includes the event at its position, backwards it does not: a
 * position is the place before its event.
 */
function firstOfAll(from: ReadRequest['source']['from'], backwards: boolean): number {
  if (from === 'end') return Number.MAX_SAFE_INTEGER;
  if (from === 'start') return 0;
  return backwards ? from : from - 1;
}
