import { type AllStreamRecordedEvent, ErrorType, type RecordedEvent, isCommandError } from '@eventstore/db-client';
import { PermanentError, type PersistedEvent, TransientError } from '#libs/eventsourcing';
import { fromStoredMetadata } from './stored-metadata.js';

const PERMANENT: ReadonlySet<string> = new Set([
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.STREAM_DELETED,
]);

/**
 * Before its first call the client asks the server what it can do, or a cluster who leads it; that this failed, it
 * tells with the bare error of gRPC or of its discovery.
 */
const isAway = (error: Error): boolean =>
  ('code' in error && typeof error.code === 'number' && 'details' in error) ||
  error.message.startsWith('Failed to discover');

/** @returns the error as the kernel classifies it */
export const classify = (error: unknown): Error => {
  if (error instanceof Error && isCommandError(error)) {
    const message = `Event store: ${error.message}`;
    return PERMANENT.has(error.type)
      ? new PermanentError(message, { cause: error })
      : new TransientError(message, { cause: error });
  }
  if (!(error instanceof Error)) return new TransientError(String(error));
  return isAway(error) ? new TransientError(`Event store: ${error.message}`, { cause: error }) : error;
};

export const toPersisted = (event: RecordedEvent | AllStreamRecordedEvent): PersistedEvent => {
  if (event.position === undefined) throw new PermanentError(`Event ${event.id} came without a position`);
  return {
    id: event.id,
    streamName: event.streamId,
    revision: event.revision,
    position: event.position.commit,
    storedType: event.type,
    data: event.data,
    metadata: fromStoredMetadata(event.metadata),
  };
};

export const isCommandErrorOf = (error: unknown, type: ErrorType): boolean =>
  error instanceof Error && isCommandError(error) && error.type === type;
