import fc from 'fast-check';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { describe, expect, it } from 'vitest';
import { TOMBSTONE_REVISION, type LogRecord } from '../storage/record.js';
import { unresolved } from '../streams/resolve-link.js';
import { decodeBatchAppend } from './batch-append.codec.js';
import { encodeReadEvent } from './event.codec.js';
import { MalformedMessageError } from './protobuf-reader.js';
import { halvesOfUuid, uuidFromHalves } from './uuid.codec.js';

const bytes = fc.uint8Array({ maxLength: 400 });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed());
const records: fc.Arbitrary<LogRecord> = fc.record({
  id: fc.uuid(),
  position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  revision: fc.oneof(fc.constant(0), fc.constant(TOMBSTONE_REVISION), fc.integer({ min: 0, max: 2 ** 52 })),
  stream: name,
  type: name,
  isJson: fc.boolean(),
  createdMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  data: bytes,
  metadata: bytes,
});

describe('the codecs of the hot paths', () => {
  it("write events that the client's generated classes read", () => {
    fc.assert(
      fc.property(records, fc.boolean(), (record, structured) => {
        const encoded = encodeReadEvent(unresolved(record), { uuid: structured ? 'structured' : 'string' });
        const read = streams.ReadResp.deserializeBinary(encoded).getEvent()!;
        const event = read.getEvent()!;
        const halves = event.getId()!.getStructured();
        const id = halves
          ? uuidFromHalves(BigInt(halves.getMostSignificantBits()), BigInt(halves.getLeastSignificantBits()))
          : event.getId()!.getString();
        expect(id).toBe(record.id);
        expect(read.getCommitPosition()).toBe(String(record.position));
        expect(event.getCommitPosition()).toBe(String(record.position));
        expect(event.getStreamRevision()).toBe(
          record.revision === TOMBSTONE_REVISION ? '9223372036854775807' : String(record.revision),
        );
        expect(Buffer.from(event.getStreamIdentifier()!.getStreamName_asU8()).toString()).toBe(record.stream);
        expect(event.getMetadataMap().get('type')).toBe(record.type);
        expect(event.getMetadataMap().get('created')).toBe(String(BigInt(record.createdMs) * 10_000n));
        expect(Buffer.from(event.getData_asU8())).toEqual(Buffer.from(record.data));
        expect(Buffer.from(event.getCustomMetadata_asU8())).toEqual(Buffer.from(record.metadata));
      }),
    );
  });

  it("read batches that the client's generated classes write", () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 5 }), fc.uuid(), fc.boolean(), (events, correlation, isFinal) => {
        const request = new streams.BatchAppendReq();
        request.setCorrelationId(uuid(correlation));
        request.setIsFinal(isFinal);
        for (const event of events) request.addProposedMessages(proposed(event));
        const decoded = decodeBatchAppend(Buffer.from(request.serializeBinary()));
        expect(decoded.correlation.key).toBe(correlation);
        expect(decoded.isFinal).toBe(isFinal);
        expect(decoded.events.map(({ id, type, data, metadata }) => [id, type, [...data], [...metadata]])).toEqual(
          events.map(({ id, type, data, metadata }) => [id, type, [...data], [...metadata]]),
        );
      }),
    );
  });

  it('either read arbitrary bytes or say that they are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
        try {
          decodeBatchAppend(Buffer.from(content));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessageError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('turn a UUID into halves and back', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        const { most, least } = halvesOfUuid(id);
        expect(uuidFromHalves(most, least)).toBe(id);
      }),
    );
  });
});

function uuid(id: string): InstanceType<typeof shared.UUID> {
  const message = new shared.UUID();
  message.setString(id);
  return message;
}

function proposed(event: LogRecord): InstanceType<typeof streams.BatchAppendReq.ProposedMessage> {
  const message = new streams.BatchAppendReq.ProposedMessage();
  message.setId(uuid(event.id));
  message.getMetadataMap().set('type', event.type).set('content-type', 'application/json');
  message.setData(event.data);
  message.setCustomMetadata(event.metadata);
  return message;
}
