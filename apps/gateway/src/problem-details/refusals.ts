import type { ErrorCode } from '#libs/contracts';
import { DomainError } from '#libs/eventsourcing';

/** What is wrong with one field of the body, path or query, or with a header; an empty field is the body as a whole. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Refuses by a code of the closed list. */
const refusal = (
  code: ErrorCode,
  message: string,
  remedy: string,
  details: Record<string, unknown> = {},
): DomainError => new DomainError(code, message, remedy, details);

export const requestInvalid = (errors: readonly FieldError[]): DomainError =>
  refusal(
    'REQUEST.INVALID',
    'The request does not have the shape that this route takes.',
    'Correct the fields that are named in errors.',
    { errors },
  );

export const malformedJson = (): DomainError =>
  refusal('REQUEST.MALFORMED_JSON', 'The body is not a JSON object.', 'Send one JSON object in UTF-8.');

export const bodyTooLarge = (maxBytes: number): DomainError =>
  refusal('REQUEST.BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes.`, 'Send a smaller body.');

export const unsupportedMediaType = (): DomainError =>
  refusal(
    'REQUEST.UNSUPPORTED_MEDIA_TYPE',
    'Bodies are taken as plain JSON only.',
    'Send Content-Type: application/json in UTF-8, without Content-Encoding.',
  );

export const routeNotFound = (): DomainError =>
  refusal('REQUEST.NOT_FOUND', 'There is nothing at this path.', 'See /openapi.json for the paths that there are.');

export const methodNotAllowed = (allowed: readonly string[]): DomainError =>
  refusal('REQUEST.METHOD_NOT_ALLOWED', 'This path does not take this method.', `Use one of: ${allowed.join(', ')}.`, {
    allowed,
  });

export const authenticationRequired = (): DomainError =>
  refusal(
    'AUTHENTICATION.REQUIRED',
    'The request came without a key, or with one that is not known.',
    'Send Authorization: Bearer <key> with a key that the gateway was given.',
  );
