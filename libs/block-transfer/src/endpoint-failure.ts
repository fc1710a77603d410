import type { EndpointFailureCode } from '#libs/contracts';

/**
 * Work at one end that cannot go on, with the closed code that the server and the operator see.
 * Adapters classify at the place where the fault shows; callers compare `code`, never the class or the text.
 */
export class EndpointFailure extends Error {
  override readonly name = 'EndpointFailure';

  constructor(
    readonly code: EndpointFailureCode,
    readonly detail: string,
    options?: { cause?: unknown; silentMs?: number },
  ) {
    super(`${code}: ${detail}`, options);
    this.silentMs = options?.silentMs ?? 0;
  }

  /** How long nothing had been heard when the failure showed; 0 when it showed at once. */
  readonly silentMs: number;
}

/** The `code` of a Node system error (`ENOENT`), or an empty string. */
export function systemErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The text of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
