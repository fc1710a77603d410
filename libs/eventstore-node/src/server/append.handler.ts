import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import type { AppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { EventLog } from '../storage/event-log.js';
import { NO_REVISION, type NewEvent } from '../storage/record.js';
import type { ExpectedRevision } from '../streams/decide-append.js';
import { appendToStream, type AppendOutcome } from '../streams/write-stream.js';
import { lengthDelimitedSize, ProtobufWriter } from '../wire/protobuf-writer.js';
import { acceptEvent, type EventFault } from '../wire/proposed-event.js';
import { parseUuid, uuidFromHalves } from '../wire/uuid.codec.js';
import {
  appendTooLarge,
  asCallError,
  invalidArgument,
  missingMetadataProperty,
  outOfMemory,
  streamDeleted,
} from './call-errors.js';
import type { Holder } from './memory-budget.js';
import type { OpenCalls } from './open-calls.js';
import { expectedRevisionOf, type Expectation } from './expected-revision.js';
import { shared, streams } from './proto.js';
import { checkWritableName, streamNameOf } from './stream-names.js';

/** Most bytes of event data in one append, and most bytes of everything in it. */
export const APPEND_DATA_LIMIT_BYTES = 1024 * 1024;
export const APPEND_TOTAL_LIMIT_BYTES = 16 * 1024 * 1024;

/** `expected_revision_20_6_0 = 2^64-1`: how the real server still says "no stream" there. No number can hold it. */
const NO_STREAM_2060 = Buffer.from([0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
const WRONG_EXPECTED_VERSION_FIELD = 2;

type AppendCall = ServerReadableStream<AppendReq, Buffer>;

/** Streams.Append: options first, then the events one by one; answered when the caller has said all. */
export const appendHandler =
  (log: EventLog, calls: OpenCalls) =>
  (call: AppendCall, answer: sendUnaryData<Buffer>): void => {
    collect(call, calls)
      .then(async ({ stream, expected, events }) => {
        if (call.cancelled) return;
        const outcome = await appendToStream(log, { stream, expected: expected.revision, events });
        answer(null, respond(stream, expected, outcome));
      })
      .catch((error: unknown) => answer(asCallError(error)));
  };

interface Collected {
  readonly stream: string;
  readonly expected: Expectation;
  readonly events: readonly NewEvent[];
}

function collect(call: AppendCall, calls: OpenCalls): Promise<Collected> {
  const budget = calls.unfinished;
  return new Promise((resolve, reject) => {
    let settle = (): void => undefined;
    const holder: Holder = { evict: () => fail(outOfMemory()) };
    let options: Pick<Collected, 'stream' | 'expected'> | undefined;
    const events: NewEvent[] = [];
    let dataBytes = 0;
    let totalBytes = 0;
    const fail = (error: unknown): void => {
      settle();
      budget.releaseAll(holder);
      events.length = 0;
      call.removeListener('data', take);
      call.resume();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const take = (message: AppendReq): void => {
      try {
        if (options === undefined) {
          options = parseOptions(message);
          return;
        }
        const event = parseEvent(message);
        events.push(event);
        dataBytes += event.data.length;
        const bytes = event.data.length + event.metadata.length + event.type.length;
        totalBytes += bytes;
        budget.hold(holder, bytes);
        if (dataBytes > APPEND_DATA_LIMIT_BYTES) throw appendTooLarge(APPEND_DATA_LIMIT_BYTES);
        if (totalBytes > APPEND_TOTAL_LIMIT_BYTES) throw appendTooLarge(APPEND_TOTAL_LIMIT_BYTES);
      } catch (error) {
        fail(error);
      }
    };
    call.on('data', take);
    call.on('error', fail);
    call.on('cancelled', () => fail(new Error('the caller has gone')));
    call.on('end', () => {
      settle();
      budget.releaseAll(holder);
      if (options === undefined) reject(invalidArgument('The append has no options.'));
      else resolve({ ...options, events });
    });
    settle = calls.receiving(fail);
  });
}

function parseOptions(message: AppendReq): Pick<Collected, 'stream' | 'expected'> {
  const options = message.getOptions();
  if (options === undefined) throw invalidArgument('The append begins without options.');
  const stream = streamNameOf(options.getStreamIdentifier());
  checkWritableName(stream);
  return { stream, expected: expectedRevisionOf(options) };
}

function parseEvent(message: AppendReq): NewEvent {
  const proposed = message.getProposedMessage();
  if (proposed === undefined) throw invalidArgument('The append has options where an event should be.');
  const metadata = proposed.getMetadataMap();
  const event = acceptEvent({
    id: parseIdOf(proposed.getId()),
    type: metadata.get('type'),
    contentType: metadata.get('content-type'),
    data: proposed.getData_asU8(),
    metadata: proposed.getCustomMetadata_asU8(),
  });
  if (typeof event === 'string') throw faultError(event);
  return event;
}

function parseIdOf(id: InstanceType<typeof shared.UUID> | undefined): string | undefined {
  if (id?.hasString()) return parseUuid(id.getString());
  const halves = id?.getStructured();
  if (halves === undefined) return undefined;
  return uuidFromHalves(BigInt(halves.getMostSignificantBits()), BigInt(halves.getLeastSignificantBits()));
}

function faultError(fault: EventFault): Error {
  switch (fault) {
    case 'type-missing':
      return missingMetadataProperty('type');
    case 'content-type-missing':
      return missingMetadataProperty('content-type');
    case 'id':
      return invalidArgument('An event has no id, or one that is no UUID.');
    case 'type-empty':
      return invalidArgument('An event has an empty type.');
    case 'type-too-long':
      return invalidArgument('An event has a type that is too long.');
  }
}

function respond(stream: string, expected: Expectation, outcome: AppendOutcome): Buffer {
  switch (outcome.kind) {
    case 'stream-deleted':
      throw streamDeleted(stream);
    case 'wrong-expected-revision':
      return conflict(expected.revision, outcome.actual);
    case 'appended': {
      const success = new streams.AppendResp.Success();
      if (outcome.lastRevision === NO_REVISION) success.setNoStream(new shared.Empty());
      else success.setCurrentRevision(String(outcome.lastRevision));
      const position = new streams.AppendResp.Position();
      position.setCommitPosition(String(outcome.position));
      position.setPreparePosition(String(outcome.position));
      success.setPosition(position);
      const response = new streams.AppendResp();
      response.setSuccess(success);
      return Buffer.from(response.serializeBinary());
    }
  }
}

function conflict(expected: ExpectedRevision, actual: number): Buffer {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (actual === NO_REVISION) {
    wrong.setNoStream2060(new shared.Empty());
    wrong.setCurrentNoStream(new shared.Empty());
  } else {
    wrong.setCurrentRevision2060(actual);
    wrong.setCurrentRevision(String(actual));
  }
  if (expected === 'any') {
    wrong.setAny2060(new shared.Empty());
    wrong.setExpectedAny(new shared.Empty());
  } else if (expected === 'stream-exists') {
    wrong.setStreamExists2060(new shared.Empty());
    wrong.setExpectedStreamExists(new shared.Empty());
  } else if (expected === 'no-stream') {
    wrong.setExpectedNoStream(new shared.Empty());
  } else {
    wrong.setExpectedRevision2060(expected);
    wrong.setExpectedRevision(String(expected));
  }
  const content = Buffer.concat([wrong.serializeBinary(), expected === 'no-stream' ? NO_STREAM_2060 : Buffer.alloc(0)]);
  const writer = new ProtobufWriter(lengthDelimitedSize(content.length));
  writer.bytesField(WRONG_EXPECTED_VERSION_FIELD, content);
  return writer.finish();
}
