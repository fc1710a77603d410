import { createHash } from 'node:crypto';
import type { PersistedEvent } from '#libs/eventsourcing';

export const historyHashOf = (log: readonly PersistedEvent[]): string => {
  const hash = createHash('sha256');
  for (const { streamName, revision, id, storedType, data, metadata } of log) {
    hash.update(JSON.stringify([streamName, Number(revision), id, storedType, data, metadata]));
  }
  return hash.digest('hex');
};
