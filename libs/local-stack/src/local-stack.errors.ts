/** Why a local stack cannot be had; the message is one a person can act on. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';

  constructor(
    readonly code:
      | 'STACK.FOLDER_IN_USE'
      | 'STACK.PROGRAM_MISSING'
      | 'STACK.NOT_BUILT'
      | 'STACK.START_FAILED'
      | 'STACK.LEFTOVER_LIVES',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
