import { EndpointFailure, reasonOf, systemErrorCode } from '../endpoint-failure.js';

/** The system's refusal to read or write digests on the agent's own disk, as it is reported; other errors as they are. */
export function tableFailure(error: unknown, what: string): unknown {
  if (error instanceof EndpointFailure || systemErrorCode(error) === '') return error;
  return new EndpointFailure('DIGEST_TABLE_FAILED', `${what}: ${reasonOf(error)}`, { cause: error });
}

export function orTableFailure<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw tableFailure(error, what);
  }
}

export async function orLaterTableFailure<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw tableFailure(error, what);
  }
}
