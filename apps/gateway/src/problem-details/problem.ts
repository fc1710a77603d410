import * as z from 'zod';
import { ERROR_STATUS, type ErrorCode } from '#libs/contracts';
import { DomainError, TransientError } from '#libs/eventsourcing';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
const RETRY_AFTER_SECONDS = '2';

export const fieldError = z.object({ field: z.string(), message: z.string() });

/** One of `ERROR_STATUS`. */
export const errorCode = z.string();

/** Problem details (RFC 9457), with the members that this interface adds. */
export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  code: errorCode,
  remedy: z.string(),
  correlationId: z.uuid(),
  errors: z.array(fieldError).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ProblemDocument = z.infer<typeof problemDocument>;

export interface Problem {
  readonly headers: Readonly<Record<string, string>>;
  readonly document: ProblemDocument;
}

interface Occurrence {
  /** Path of the request. */
  readonly instance: string;
  readonly correlationId: string;
}

const isKnown = (code: string): code is ErrorCode => Object.hasOwn(ERROR_STATUS, code);

/** The same for every occurrence of a code: `PLANNING.TASK_NOT_FOUND` is "Planning: task not found". */
export const titleOf = (code: ErrorCode): string => {
  const [area = '', rule = ''] = code.toLowerCase().replaceAll('_', ' ').split('.');
  return `${area.charAt(0).toUpperCase()}${area.slice(1)}: ${rule.replace(/\b(json|vm)\b/g, (word) => word.toUpperCase())}`;
};

/** What of an error may be told outside. Anything that is not a known refusal is an internal failure without details. */
const tellable = (
  error: unknown,
): Omit<DomainError, 'name' | 'message' | 'stack'> & { code: ErrorCode; text: string } => {
  if (error instanceof DomainError && isKnown(error.code)) {
    return { code: error.code, text: error.message, remedy: error.remedy, details: error.details };
  }
  if (error instanceof TransientError) {
    return {
      code: 'SERVICE.UNAVAILABLE',
      text: 'A part of the system is busy or away.',
      remedy: 'Repeat the request with the same Idempotency-Key in a few seconds.',
      details: {},
    };
  }
  return {
    code: 'SERVICE.INTERNAL',
    text: 'The request could not be handled.',
    remedy: 'Look for the correlation id in the logs, and report it.',
    details: {},
  };
};

const headersOf = (code: ErrorCode, details: Readonly<Record<string, unknown>>): Record<string, string> => {
  switch (code) {
    case 'AUTHENTICATION.REQUIRED':
      return { 'WWW-Authenticate': 'Bearer' };
    case 'SERVICE.UNAVAILABLE':
      return { 'Retry-After': RETRY_AFTER_SECONDS };
    case 'REQUEST.METHOD_NOT_ALLOWED':
      return { Allow: z.array(z.string()).parse(details['allowed']).join(', ') };
    case 'REQUEST.BODY_TOO_LARGE':
      // The rest of the body is not waited for.
      return { Connection: 'close' };
    default:
      return {};
  }
};

/** An error as problem details. Pure: what is to be logged about it is the caller's affair. */
export const problemOf = (error: unknown, { instance, correlationId }: Occurrence): Problem => {
  const { code, text, remedy, details } = tellable(error);
  // A service names fields as `issues`, the gateway as `errors`; outside they are the same.
  const { errors, issues, allowed: _allowed, ...rest } = details;
  const fields = z.array(fieldError).safeParse(errors ?? issues);
  return {
    headers: headersOf(code, details),
    document: {
      type: `urn:landfall:problem:${code}`,
      title: titleOf(code),
      status: ERROR_STATUS[code],
      detail: text,
      instance,
      code,
      remedy,
      correlationId,
      ...(fields.success ? { errors: fields.data } : {}),
      ...(Object.keys(rest).length > 0 ? { details: rest } : {}),
    },
  };
};
