import { randomUUID } from 'node:crypto';
import { uuidV5 } from '#libs/eventsourcing';
import { requestInvalid } from '../problem-details/refusals.js';

export const IDEMPOTENCY_KEY_HEADER = 'Idempotency-Key';
const KEY = /^[\x20-\x7e]{1,200}$/;
const NAMESPACE = 'b6a3f1f6-9d6c-4a57-8f39-2f6f4a0b7a11';

/**
 * The id of the command that a request stands for. With a key, the same actor asking the same again gives the same
 * command, and services take a command with a known id for the one they have handled.
 * @throws DomainError `REQUEST.INVALID` when the key is empty, too long or not printable ASCII
 */
export const commandIdOf = (
  request: { readonly actor: string; readonly method: string; readonly path: string },
  idempotencyKey: string | undefined,
): string => {
  if (idempotencyKey === undefined) return randomUUID();
  if (!KEY.test(idempotencyKey)) {
    throw requestInvalid([{ field: IDEMPOTENCY_KEY_HEADER, message: 'must be 1 to 200 printable ASCII characters' }]);
  }
  return uuidV5(NAMESPACE, JSON.stringify([request.actor, request.method, request.path, idempotencyKey]));
};
