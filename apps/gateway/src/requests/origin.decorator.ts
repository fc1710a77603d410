import { randomUUID } from 'node:crypto';
import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { Request } from 'express';
import type { CallOrigin } from '#libs/messaging';
import { authenticationRequired } from '../problem-details/refusals.js';
import { IDEMPOTENCY_KEY_HEADER, commandIdOf } from './command-id.js';
import { contextOf } from './request-context.js';

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const originOf = (request: Request): CallOrigin => {
  const { actor, correlationId } = contextOf(request);
  if (actor === null) throw authenticationRequired();
  const { method, path } = request;
  const commandId = READING.has(method)
    ? randomUUID()
    : commandIdOf({ actor, method, path }, request.get(IDEMPOTENCY_KEY_HEADER));
  // A person's command has no cause but itself.
  return { commandId, correlationId, causationId: commandId, actor };
};

/** Who asks, and the ids of what is asked, for the services. */
export const Origin = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  originOf(context.switchToHttp().getRequest<Request>()),
);

/** The origin of a question that is asked on the way to a command; it must not take the command's id. */
export const questionOf = (origin: CallOrigin): CallOrigin => ({
  ...origin,
  commandId: randomUUID(),
  causationId: origin.commandId,
});
