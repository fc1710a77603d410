import { status } from '@grpc/grpc-js';
import { NO_REVISION } from '../storage/record.js';
import type { ExpectedRevision } from '../streams/decide-append.js';
import type { CallError } from './call-errors.js';
import { any, code, empty, shared, statusMessage, streams } from './proto.js';
import { streamIdentifier } from './read-responses.js';

/** What every answer repeats of the batch it answers. */
export interface AnsweredBatch {
  readonly correlation: { readonly bytes: Buffer };
  readonly options: { readonly stream: string };
}

interface Detail {
  serializeBinary(): Uint8Array;
}

const { BatchAppendResp } = streams;
type Reason = Parameters<InstanceType<typeof statusMessage.Status>['setCode']>[0];
type Response = InstanceType<typeof BatchAppendResp>;

function encode(batch: AnsweredBatch, fill: (response: Response) => void): Buffer {
  const response = new BatchAppendResp();
  response.setCorrelationId(shared.UUID.deserializeBinary(batch.correlation.bytes));
  response.setStreamIdentifier(streamIdentifier(batch.options.stream));
  fill(response);
  return Buffer.from(response.serializeBinary());
}

export const appended = (batch: AnsweredBatch, lastRevision: number, position: number): Buffer =>
  encode(batch, (response) => {
    const success = new BatchAppendResp.Success();
    if (lastRevision === NO_REVISION) success.setNoStream(new empty.Empty());
    else success.setCurrentRevision(String(lastRevision));
    const at = new shared.AllStreamPosition();
    at.setCommitPosition(String(position));
    at.setPreparePosition(String(position));
    success.setPosition(at);
    response.setSuccess(success);
  });

function refuse(batch: AnsweredBatch, reason: Reason, message: string, detailName: string, detail: Detail): Buffer {
  return encode(batch, (response) => {
    const packed = new any.Any();
    packed.setTypeUrl(`type.googleapis.com/event_store.client.${detailName}`);
    packed.setValue(detail.serializeBinary());
    const error = new statusMessage.Status();
    error.setCode(reason);
    error.setMessage(message);
    error.setDetails(packed);
    response.setError(error);
  });
}

export function conflict(batch: AnsweredBatch, expected: ExpectedRevision, actual: number): Buffer {
  const wrong = new shared.WrongExpectedVersion();
  if (actual === NO_REVISION) wrong.setCurrentNoStream(new empty.Empty());
  else wrong.setCurrentStreamRevision(String(actual));
  if (expected === 'any') wrong.setExpectedAny(new empty.Empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(new empty.Empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new empty.Empty());
  else wrong.setExpectedStreamPosition(String(expected));
  return refuse(batch, code.Code.ALREADY_EXISTS, 'WrongExpectedVersion', 'WrongExpectedVersion', wrong);
}

export function deleted(batch: AnsweredBatch): Buffer {
  const detail = new shared.StreamDeleted();
  detail.setStreamIdentifier(streamIdentifier(batch.options.stream));
  return refuse(batch, code.Code.NOT_FOUND, 'StreamDeleted', 'StreamDeleted', detail);
}

export function tooLarge(batch: AnsweredBatch, limitBytes: number): Buffer {
  const detail = new shared.MaximumAppendSizeExceeded();
  detail.setMaxappendsize(limitBytes);
  const name = 'MaximumAppendSizeExceeded';
  return refuse(batch, code.Code.INVALID_ARGUMENT, name, name, detail);
}

export function badRequest(batch: AnsweredBatch, text: string): Buffer {
  const detail = new shared.BadRequest();
  detail.setMessage(text);
  return refuse(batch, code.Code.INVALID_ARGUMENT, 'BadRequest', 'BadRequest', detail);
}

export const timedOut = (batch: AnsweredBatch): Buffer =>
  refuse(batch, code.Code.DEADLINE_EXCEEDED, 'Timeout', 'Timeout', new shared.Timeout());

export function failed(batch: AnsweredBatch, error: CallError): Buffer {
  const reasons = code.Code;
  const reason =
    error.code === status.UNAVAILABLE
      ? reasons.UNAVAILABLE
      : error.code === status.RESOURCE_EXHAUSTED
        ? reasons.RESOURCE_EXHAUSTED
        : reasons.INTERNAL;
  return refuse(batch, reason, error.details, 'Unknown', new shared.Unknown());
}
