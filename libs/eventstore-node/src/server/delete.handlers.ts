import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { DeleteReq, DeleteResp, TombstoneReq, TombstoneResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { EventLog } from '../storage/event-log.js';
import { softDeleteStream, tombstoneStream, type DeleteOutcome } from '../streams/write-stream.js';
import { asCallError, deleteConflict, invalidArgument, streamDeleted } from './call-errors.js';
import { expectedRevisionOf, type Expectation } from './expected-revision.js';
import { streams } from './proto.js';
import { checkWritableName, streamNameOf } from './stream-names.js';

type Options = DeleteReq.Options | TombstoneReq.Options;

/** Streams.Delete: hides the events; the stream can be written to again. */
export const deleteHandler =
  (log: EventLog) =>
  (call: ServerUnaryCall<DeleteReq, DeleteResp>, answer: sendUnaryData<DeleteResp>): void => {
    run(call.request.getOptions(), (stream, expected) => softDeleteStream(log, stream, expected.revision))
      .then((position) => {
        const response = new streams.DeleteResp();
        const at = new streams.DeleteResp.Position();
        at.setCommitPosition(position);
        at.setPreparePosition(position);
        response.setPosition(at);
        answer(null, response);
      })
      .catch((error: unknown) => answer(asCallError(error)));
  };

/** Streams.Tombstone: ends the stream for ever. */
export const tombstoneHandler =
  (log: EventLog) =>
  (call: ServerUnaryCall<TombstoneReq, TombstoneResp>, answer: sendUnaryData<TombstoneResp>): void => {
    run(call.request.getOptions(), (stream, expected) => tombstoneStream(log, stream, expected.revision))
      .then((position) => {
        const response = new streams.TombstoneResp();
        const at = new streams.TombstoneResp.Position();
        at.setCommitPosition(position);
        at.setPreparePosition(position);
        response.setPosition(at);
        answer(null, response);
      })
      .catch((error: unknown) => answer(asCallError(error)));
  };

async function run(
  options: Options | undefined,
  remove: (stream: string, expected: Expectation) => Promise<DeleteOutcome>,
): Promise<string> {
  if (options === undefined) throw invalidArgument('The request has no options.');
  const stream = streamNameOf(options.getStreamIdentifier());
  checkWritableName(stream);
  const expected = expectedRevisionOf(options);
  const outcome = await remove(stream, expected);
  switch (outcome.kind) {
    case 'deleted':
      return String(outcome.position);
    case 'stream-deleted':
      throw streamDeleted(stream);
    case 'wrong-expected-revision':
      throw deleteConflict(stream, expected.number, String(outcome.actual));
  }
}
