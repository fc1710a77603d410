import { Logger } from '@nestjs/common';
import type { RequestHandler } from 'express';
import { authenticationRequired } from '../problem-details/refusals.js';
import { contextOf } from '../requests/request-context.js';
import type { ApiKeys } from './api-keys.js';

/** Open to everybody. Compared exactly, so that whatever the router takes more loosely stays closed. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health', '/openapi.json']);
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

const log = new Logger('Authentication');

/**
 * Lets in who brings a known key as `Authorization: Bearer <key>`, and notes who that is. Stands before the body is
 * read and before routes are looked up: a stranger makes the gateway do neither, and learns nothing about routes.
 */
export const requireApiKey =
  (keys: ApiKeys): RequestHandler =>
  (request, _response, next) => {
    if (OPEN_PATHS.has(request.path)) {
      next();
      return;
    }
    const context = contextOf(request);
    const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const name = key === undefined ? null : keys.nameOf(key);
    if (name === null) {
      const from = request.socket.remoteAddress ?? 'unknown';
      log.warn(`${context.correlationId} refused from ${from}: ${key === undefined ? 'no key' : 'unknown key'}`);
      next(authenticationRequired());
      return;
    }
    context.actor = `operator:${name}`;
    next();
  };
