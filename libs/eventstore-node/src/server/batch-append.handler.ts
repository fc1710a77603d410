import type { ServerDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { EventLog } from '../storage/event-log.js';
import type { NewEvent } from '../storage/record.js';
import { appendToStream } from '../streams/write-stream.js';
import type { BatchAppendMessage, BatchAppendOptions } from '../wire/batch-append.codec.js';
import { acceptEvent, type EventFault } from '../wire/proposed-event.js';
import { APPEND_DATA_LIMIT_BYTES, APPEND_TOTAL_LIMIT_BYTES } from './append.handler.js';
import * as responses from './batch-append-responses.js';
import { asCallError, CallError, invalidArgument } from './call-errors.js';
import type { CallSink } from './call-sink.js';
import type { MemoryBudget } from './memory-budget.js';
import type { OpenCalls } from './open-calls.js';
import { checkWritableName } from './stream-names.js';

/** Batches one call may have begun and not finished, and the bytes they may hold together. */
const OPEN_BATCHES = 1_000;
const OPEN_BYTES = 64 * 1024 * 1024;
/** Answers that may be outstanding before no more requests are read. */
const OUTSTANDING_APPENDS = 1_000;

interface Batch {
  readonly correlation: BatchAppendMessage['correlation'];
  readonly options: BatchAppendOptions;
  readonly events: NewEvent[];
  dataBytes: number;
  totalBytes: number;
  /** The first thing wrong with it; what follows is read and dropped. */
  refusal: Buffer | undefined;
}

type BatchAppendCall = ServerDuplexStream<BatchAppendMessage, Buffer>;

/** Streams.BatchAppend: many appends over one call, each named by a correlation id, answered in the order they finish. */
export const batchAppendHandler =
  (log: EventLog, calls: OpenCalls) =>
  (call: BatchAppendCall): void => {
    const sink = calls.add(call);
    new BatchAppendSession(log, call, sink, calls.unfinished).start();
  };

class BatchAppendSession {
  readonly #log: EventLog;
  readonly #call: BatchAppendCall;
  readonly #sink: CallSink;
  readonly #budget: MemoryBudget;
  readonly #batches = new Map<string, Batch>();
  #heldBytes = 0;
  #outstanding = 0;
  #halfClosed = false;
  #blocked = false;

  constructor(log: EventLog, call: BatchAppendCall, sink: CallSink, budget: MemoryBudget) {
    this.#budget = budget;
    this.#log = log;
    this.#call = call;
    this.#sink = sink;
  }

  start(): void {
    this.#call.on('data', (message: BatchAppendMessage) => {
      if (this.#sink.closed) return;
      try {
        this.#take(message);
      } catch (error) {
        this.#sink.fail(asCallError(error));
      }
    });
    this.#sink.onClose(() => {
      this.#budget.releaseAll(this.#sink);
      this.#batches.clear();
    });
    this.#call.on('end', () => {
      this.#halfClosed = true;
      if (this.#outstanding === 0) this.#sink.end();
    });
  }

  #take(message: BatchAppendMessage): void {
    const { key } = message.correlation;
    if (key === undefined) throw invalidArgument('A batch has no correlation id, or one that is no UUID.');
    const batch = this.#batches.get(key) ?? this.#begin(key, message);
    if (batch === undefined) return;
    for (const proposed of message.events) {
      if (batch.refusal !== undefined) break;
      const event = acceptEvent(proposed);
      if (typeof event === 'string') batch.refusal = responses.badRequest(batch, faultText(event));
      else this.#add(batch, event);
    }
    if (this.#heldBytes > OPEN_BYTES) {
      throw new CallError(status.RESOURCE_EXHAUSTED, `Unfinished batches hold more than ${OPEN_BYTES} bytes.`);
    }
    if (message.isFinal) this.#finish(key, batch);
  }

  #begin(key: string, message: BatchAppendMessage): Batch | undefined {
    // The rest of a batch that was never begun, or that was answered already.
    if (message.options === undefined) return undefined;
    if (this.#batches.size >= OPEN_BATCHES) {
      throw new CallError(status.RESOURCE_EXHAUSTED, `More than ${OPEN_BATCHES} batches are unfinished.`);
    }
    const batch: Batch = {
      correlation: message.correlation,
      options: message.options,
      events: [],
      dataBytes: 0,
      totalBytes: 0,
      refusal: undefined,
    };
    try {
      checkWritableName(batch.options.stream);
      if (batch.options.expected === undefined) throw invalidArgument('No stream has the expected revision.');
    } catch (error) {
      batch.refusal = responses.badRequest(batch, error instanceof Error ? error.message : String(error));
    }
    this.#batches.set(key, batch);
    return batch;
  }

  #add(batch: Batch, event: NewEvent): void {
    const bytes = event.data.length + event.metadata.length + event.type.length;
    batch.dataBytes += event.data.length;
    batch.totalBytes += bytes;
    this.#heldBytes += bytes;
    this.#budget.hold(this.#sink, bytes);
    batch.events.push(event);
    if (batch.dataBytes <= APPEND_DATA_LIMIT_BYTES && batch.totalBytes <= APPEND_TOTAL_LIMIT_BYTES) return;
    batch.refusal = responses.tooLarge(batch, APPEND_DATA_LIMIT_BYTES);
    batch.events.length = 0;
  }

  #finish(key: string, batch: Batch): void {
    this.#batches.delete(key);
    this.#outstanding += 1;
    this.#holdBackReading();
    this.#answer(batch)
      .catch((error: unknown) => responses.failed(batch, asCallError(error)))
      .then((response) => {
        this.#heldBytes -= batch.totalBytes;
        this.#budget.release(this.#sink, batch.totalBytes);
        this.#outstanding -= 1;
        if (!this.#sink.write(response)) this.#waitForReader();
        this.#resumeReading();
        if (this.#halfClosed && this.#outstanding === 0) this.#sink.end();
      })
      .catch((error: unknown) => this.#sink.fail(asCallError(error)));
  }

  async #answer(batch: Batch): Promise<Buffer> {
    const { stream, expected, deadlineMs } = batch.options;
    if (batch.refusal !== undefined) return batch.refusal;
    if (deadlineMs !== undefined && deadlineMs < Date.now()) return responses.timedOut(batch);
    const outcome = await appendToStream(this.#log, { stream, expected: expected ?? 'any', events: batch.events });
    switch (outcome.kind) {
      case 'appended':
        return responses.appended(batch, outcome.lastRevision, outcome.position);
      case 'wrong-expected-revision':
        return responses.conflict(batch, expected ?? 'any', outcome.actual);
      case 'stream-deleted':
        return responses.deleted(batch);
    }
  }

  /** A client that does not read its answers gets no more work done until it does. */
  #waitForReader(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#holdBackReading();
    this.#sink
      .drained()
      .then(() => {
        this.#blocked = false;
        this.#resumeReading();
      })
      .catch((error: unknown) => this.#sink.fail(asCallError(error)));
  }

  #holdBackReading(): void {
    if (this.#blocked || this.#outstanding >= OUTSTANDING_APPENDS) this.#call.pause();
  }

  #resumeReading(): void {
    if (!this.#blocked && this.#outstanding < OUTSTANDING_APPENDS && this.#call.isPaused()) this.#call.resume();
  }
}

function faultText(fault: EventFault): string {
  switch (fault) {
    case 'type-missing':
    case 'content-type-missing':
      // The words of the real server, which clients may compare.
      return 'The given key was not present in the dictionary.';
    case 'id':
      return 'An event has no id, or one that is no UUID.';
    case 'type-empty':
      return 'An event has an empty type.';
    case 'type-too-long':
      return 'An event has a type that is too long.';
  }
}
