import { ENROL_PATH, enrolReply, type EndpointKind, type EnrolRequest } from '#libs/contracts';
import * as z from 'zod';
import { parseJson } from '../channel/frame.codec.js';
import type { EndpointCredential } from './credential-file.js';
import { addressOf, checkServerUrl } from './network-policy.js';

const ENROL_LIMIT_MS = 15_000;
const MAX_REPLY_CHARACTERS = 64 * 1024;

/** The server said no; asking again with the same token is useless. */
export class EnrolmentRefusedError extends Error {
  override readonly name = 'EnrolmentRefusedError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The server could not be asked, or could not answer; later it may. */
export class EnrolmentUnavailableError extends Error {
  override readonly name = 'EnrolmentUnavailableError';
}

export interface EnrolmentOptions {
  readonly serverUrl: string;
  readonly token: string;
  readonly kind: EndpointKind;
  /** What people call the machine. */
  readonly name: string;
  readonly insecureNetwork?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const problemDetails = z.object({ code: z.string(), detail: z.string() });

/**
 * Exchanges a one-time token for a credential.
 * @throws EnrolmentRefusedError, EnrolmentUnavailableError, ServerUrlError
 */
export async function enrolEndpoint(options: EnrolmentOptions): Promise<EndpointCredential> {
  const server = checkServerUrl(options.serverUrl, options.insecureNetwork ?? false);
  const address = addressOf(server, 'http', ENROL_PATH);
  const request: EnrolRequest = { token: options.token, kind: options.kind, name: options.name };
  const { status, text } = await post(address, request, options.signal);
  const json = parseJson(text);
  if (status === 201) {
    const reply = enrolReply.safeParse(json);
    if (!reply.success)
      throw new EnrolmentUnavailableError(`${address.href} answered something else than a credential.`);
    return { serverUrl: server.href, ...reply.data };
  }
  const problem = problemDetails.safeParse(json).data;
  const message = problem?.detail ?? `${address.href} answered with status ${status}.`;
  if (status >= 500 || status === 408 || status === 429) throw new EnrolmentUnavailableError(message);
  throw new EnrolmentRefusedError(problem?.code ?? `HTTP_${status}`, message);
}

async function post(
  address: URL,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<{ status: number; text: string }> {
  const limit = AbortSignal.timeout(ENROL_LIMIT_MS);
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    return { status: response.status, text: (await response.text()).slice(0, MAX_REPLY_CHARACTERS) };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new EnrolmentUnavailableError(
      `${address.href} could not be asked: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause: error },
    );
  }
}
