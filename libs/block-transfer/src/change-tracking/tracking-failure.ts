import type { RescanReason } from '#libs/contracts';

/** Why what was recorded cannot be relied on, or nothing can be recorded. Never ends a round: it makes it a rescan. */
export class TrackingFailure extends Error {
  override readonly name = 'TrackingFailure';

  constructor(
    readonly reason: RescanReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
