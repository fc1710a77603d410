/** A rule was broken or an input was bad; nothing was recorded. `code` is stable and in a closed list, with a remedy. */
export class DomainError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

/** Machinery failed in a way that may pass: the same call may be repeated. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** Machinery failed in a way that repeating will not mend. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}

/** The stream moved between load and append; load again and decide anew. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  constructor(readonly streamName: string) {
    super(`Stream ${streamName} has moved on`);
  }
}
