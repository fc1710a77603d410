import type { Gateway } from './gateway.js';
import { GatewayProblem, GatewayUnreachable, UnexpectedAnswer } from './gateway.errors.js';
import { decodeProblem } from './problem.codec.js';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.js';

const BASE_PATH = '/api/v1';
const ANSWER_MS = 30_000;

/**
 * One request and its answer as JSON.
 *
 * @returns undefined for an answer without a body
 * @throws GatewayProblem, GatewayUnreachable, UnexpectedAnswer
 */
export async function ask(gateway: Gateway, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await send(gateway, path, {
    method,
    headers,
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answerOf(response, `${method} ${path}`);
}

/**
 * Follows a stream of server-sent events until its end.
 *
 * @throws GatewayProblem, GatewayUnreachable, UnexpectedAnswer
 */
export async function* openEventStream(
  gateway: Gateway,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const headers = { accept: 'text/event-stream' };
  const response = await send(gateway, path, { headers, ...(signal === undefined ? {} : { signal }) });
  if (!response.ok) await answerOf(response, `GET ${path}`);
  if (response.body === null) throw new UnexpectedAnswer(`GET ${path}: no stream`);
  try {
    yield* serverSentEvents(response.body.pipeThrough(new TextDecoderStream()));
  } catch (error) {
    signal?.throwIfAborted();
    throw new GatewayUnreachable(`The stream from ${gateway.url} broke off`, { cause: error });
  }
}

type Request = {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
};

async function send({ url, key }: Gateway, path: string, init: Request): Promise<Response> {
  try {
    const headers = { ...init.headers, authorization: `Bearer ${key}` };
    return await fetch(`${url.replace(/\/+$/, '')}${BASE_PATH}${path}`, { ...init, headers });
  } catch (error) {
    init.signal?.throwIfAborted();
    throw new GatewayUnreachable(`Nobody answers at ${url}`, { cause: error });
  }
}

async function answerOf(response: Response, what: string): Promise<unknown> {
  const text = await response.text();
  const body = text === '' ? undefined : jsonOf(text);
  if (response.ok && (text === '' || body !== undefined)) return body;
  const problem = decodeProblem(body);
  if (problem !== undefined && !response.ok) throw new GatewayProblem(problem);
  throw new UnexpectedAnswer(`${what}: status ${response.status} with an answer that is not what was agreed`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
