/**
 * A block map that exists and cannot be believed: an unknown feature, structures that contradict each other, a file
 * system that could not be held still. No failure of the round: all of the file system's bytes count as used.
 */
export class MapDoubt extends Error {
  override readonly name: string = 'MapDoubt';
}

/** It is larger than its place: both may have grown since the place was looked up. */
export class OutgrownDoubt extends MapDoubt {
  override readonly name = 'OutgrownDoubt';
}

/** Throws a {@link MapDoubt} unless the condition holds. */
export function believe(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new MapDoubt(otherwise);
}
