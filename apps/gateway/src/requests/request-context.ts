import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import * as z from 'zod';

export interface RequestContext {
  readonly correlationId: string;
  /** Null until a key was shown. */
  actor: string | null;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();
const uuid = z.uuid();

/** @returns the context that {@link beginRequest} gave to the request */
export const contextOf = (request: IncomingMessage): RequestContext => {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('a request without a context');
  return context;
};

/** Gives a request its context, and every answer its standing headers. */
export const beginRequest: RequestHandler = (request, response, next) => {
  const wished = uuid.safeParse(request.get('X-Correlation-Id')?.toLowerCase());
  const correlationId = wished.success ? wished.data : randomUUID();
  contexts.set(request, { correlationId, actor: null });
  response.set({
    'X-Correlation-Id': correlationId,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  });
  next();
};
