import type { PersistedEvent } from '#libs/eventsourcing';

/** Events of one append share a log position on some servers; the stream's revision orders them. */
export const compareInLog = (left: PersistedEvent, right: PersistedEvent): number => {
  if (left.position !== right.position) return left.position < right.position ? -1 : 1;
  return left.revision < right.revision ? -1 : 1;
};
