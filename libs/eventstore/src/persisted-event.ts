import { type AllStreamRecordedEvent, ErrorType, type RecordedEvent, isCommandError } from '@eventstore/db-client';
import { PermanentError, type PersistedEvent, TransientError } from '#libs/eventsourcing';
import { fromStoredMetadata } from './stored-metadata.js';

const PERMANENT: ReadonlySet<string> = new Set([
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.STREAM_DELETED,
]);

/** @returns the error as the kernel classifies it */
export const classify = (error: unknown): Error => {
  if (error instanceof Error && isCommandError(error)) {
    const message = `Event store: ${error.message}`;
    return PERMANENT.has(error.type)
      ? new PermanentError(message, { cause: error })
      : new TransientError(message, { cause: error });
  }
  return error instanceof Error ? error : new TransientError(String(error));
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
