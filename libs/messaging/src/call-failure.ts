import { type CallFailure, callFailure } from '#libs/contracts';
import { DomainError, PermanentError, RevisionConflict, TransientError } from '#libs/eventsourcing';

const INTERNAL = 'SERVICE.INTERNAL';

/** Codes of sockets, and of PostgreSQL when it ends connections (classes 08 and 57P), wherever they come from. */
const CONNECTION_CODES = /^(ECONN[A-Z]+|ETIMEDOUT|EPIPE|08[0-9A-Z]{3}|57P[0-9]{2})$/;

const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && typeof error.code === 'string' && CONNECTION_CODES.test(error.code)) ||
    error.message === 'Connection terminated unexpectedly');

/** An error as it travels back to the asking side. What is not ours to tell stays in the log. */
export const toCallFailure = (error: unknown): CallFailure => {
  if (error instanceof DomainError) {
    const { code, message, remedy, details } = error;
    return { code, message, remedy, retryable: false, details };
  }
  const passing = error instanceof TransientError || error instanceof RevisionConflict || isConnectionLost(error);
  return passing
    ? {
        code: 'SERVICE.UNAVAILABLE',
        message: 'A part of the system is busy or away.',
        remedy: 'Repeat the request with the same Idempotency-Key in a few seconds.',
        retryable: true,
        details: {},
      }
    : {
        code: INTERNAL,
        message: 'The request could not be handled.',
        remedy: "See the service's log for the correlation id, and report it.",
        retryable: false,
        details: {},
      };
};

/** @returns the error to throw on the asking side */
export const fromCallFailure = (failure: unknown, subject: string): Error => {
  const parsed = callFailure.safeParse(failure);
  if (!parsed.success) {
    const text = failure instanceof Error ? failure.message : JSON.stringify(failure);
    return new TransientError(`No answer on ${subject}: ${text}`, { cause: failure });
  }
  const { code, message, remedy, retryable, details } = parsed.data;
  if (retryable) return new TransientError(`${subject}: ${message}`);
  // A service that broke has not refused: whoever skips refusals must not skip this.
  if (code === INTERNAL) return new PermanentError(`${subject}: ${message} ${remedy}`);
  return new DomainError(code, message, remedy, details);
};
