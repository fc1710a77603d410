import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, RequestHandler } from 'express';
import { requestInvalid, unsupportedMediaType } from '../problem-details/refusals.js';

export const MAX_BODY_BYTES = 256 * 1024;
/** No document of the interface is nested deeper than five; what validates them is recursive. */
const MAX_BODY_DEPTH = 20;

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Said with RFC 8259: JSON is UTF-8, and has no other parameter. */
const PLAIN_JSON = /^application\/json[ \t]*(;[ \t]*charset=("?)utf-8\2[ \t]*)?$/i;

const refuseOtherMediaTypes: RequestHandler = (request, _response, next) =>
  next(
    hasBody(request) && !PLAIN_JSON.test(request.headers['content-type'] ?? '') ? unsupportedMediaType() : undefined,
  );

const isNested = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** @returns whether a document has more levels of objects and arrays than {@link MAX_BODY_DEPTH} */
export const isTooDeep = (document: unknown): boolean => {
  let level = [document].filter(isNested);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_BODY_DEPTH) return true;
    level = level.flatMap((value) => Object.values(value)).filter(isNested);
  }
  return false;
};

const faultOf = (document: unknown): string | null => {
  if (Array.isArray(document)) return 'must be an object';
  return isTooDeep(document) ? `must not be nested deeper than ${MAX_BODY_DEPTH}` : null;
};

const refuseOtherShapes: RequestHandler = (request, _response, next) => {
  const fault = faultOf(request.body);
  next(fault === null ? undefined : requestInvalid([{ field: '', message: fault }]));
};

/** JSON only, uncompressed, at most {@link MAX_BODY_BYTES}. */
export const readJsonBodies = (application: NestExpressApplication): void => {
  application.use(refuseOtherMediaTypes);
  application.useBodyParser('json', { limit: MAX_BODY_BYTES, inflate: false, strict: true, type: 'application/json' });
  application.use(refuseOtherShapes);
};
