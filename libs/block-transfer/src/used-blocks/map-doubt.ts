/**
 * A structure of a file system that cannot be believed: everything in that file system counts as used then, and is
 * copied as it is. This is not a failure of the round: the target becomes equal to the source, faults included.
 */
export class MapDoubt extends Error {
  override readonly name = 'MapDoubt';
}

/** Throws a {@link MapDoubt} with this reason unless the condition holds. */
export function believe(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new MapDoubt(otherwise);
}
