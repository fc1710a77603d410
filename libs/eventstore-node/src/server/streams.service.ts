import type { EventLog } from '../storage/event-log.js';
import { decodeBatchAppend } from '../wire/batch-append.codec.js';
import { appendHandler } from './append.handler.js';
import { batchAppendHandler } from './batch-append.handler.js';
import { deleteHandler, tombstoneHandler } from './delete.handlers.js';
import type { GrpcService } from './grpc-server.js';
import type { OpenCalls } from './open-calls.js';
import { streamsGrpc } from './proto.js';
import { readHandler, type ReadSettings } from './read.handler.js';

const asIs = (message: Buffer): Buffer => message;

/**
 * The Streams service. Events and batches are encoded and decoded by the node's own codecs, the rest by the client's
 * generated classes.
 */
export function streamsService(log: EventLog, calls: OpenCalls, settings: ReadSettings): GrpcService {
  const generated = streamsGrpc.StreamsService;
  return {
    definition: {
      ...generated,
      read: { ...generated.read, responseSerialize: asIs },
      append: { ...generated.append, responseSerialize: asIs },
      batchAppend: { ...generated.batchAppend, requestDeserialize: decodeBatchAppend, responseSerialize: asIs },
    },
    handlers: {
      read: readHandler(log, calls, settings),
      append: appendHandler(log, calls),
      batchAppend: batchAppendHandler(log, calls),
      delete: deleteHandler(log),
      tombstone: tombstoneHandler(log),
    },
  };
}
