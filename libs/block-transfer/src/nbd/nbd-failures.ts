import { EndpointFailure, reasonOf } from '../endpoint-failure.js';
import { Command, NbdError, NbdInsecureError, NbdProtocolError } from './nbd.codec.js';

const COMMAND_NAMES: Readonly<Record<Command, string>> = {
  [Command.READ]: 'READ',
  [Command.WRITE]: 'WRITE',
  [Command.DISCONNECT]: 'DISCONNECT',
  [Command.FLUSH]: 'FLUSH',
  [Command.TRIM]: 'TRIM',
  [Command.WRITE_ZEROES]: 'WRITE_ZEROES',
};

/** The failure that an error reply of the server stands for. */
export function replyFailure(command: Command, errno: number, offsetBytes: number): EndpointFailure {
  const name = Object.entries(NbdError).find(([, value]) => value === errno)?.[0] ?? `error ${errno}`;
  const detail = `the target answered ${name} to ${COMMAND_NAMES[command]} at byte ${offsetBytes}`;
  if (errno === NbdError.ENOSPC) return new EndpointFailure('TARGET_DISK_FULL', detail);
  if (errno === NbdError.ESHUTDOWN) return new EndpointFailure('DATA_PATH_LOST', detail);
  return new EndpointFailure('TARGET_WRITE_FAILED', detail);
}

/** A connection that cannot be had, or is gone. */
export function pathLost(where: string, what: string, cause?: unknown): EndpointFailure {
  return new EndpointFailure('DATA_PATH_LOST', `${where}: ${what}`, { cause });
}

/** A connection that owes an answer and has said nothing for this long: it was gone before it was noticed. */
export function pathSilent(where: string, silentMs: number): EndpointFailure {
  return new EndpointFailure('DATA_PATH_LOST', `${where}: no answer for ${silentMs} ms`, { silentMs });
}

/** What is at the other end, or in between, cannot be trusted with the disk: a person has to look. */
export function pathUntrusted(where: string, what: string, cause?: unknown): EndpointFailure {
  return new EndpointFailure('DATA_PATH_UNTRUSTED', `${where}: ${what}`, { cause });
}

/** A fault while speaking: the server refused or makes no sense, or the connection broke. */
export function handshakeFailure(where: string, error: unknown): EndpointFailure {
  if (error instanceof EndpointFailure) return error;
  if (error instanceof NbdProtocolError) {
    return new EndpointFailure('EXPORT_FAILED', `${where}: ${error.message}`, { cause: error });
  }
  if (error instanceof NbdInsecureError) return pathUntrusted(where, error.message, error);
  return pathLost(where, reasonOf(error), error);
}
