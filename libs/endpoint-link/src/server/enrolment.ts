import { enrolRequest, type EnrolRequest } from '#libs/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ENROL_BODY_LIMIT_MS, MAX_ENROL_BODY_BYTES } from '../channel/channel-limits.js';
import { describeFault, parseJson } from '../channel/frame.codec.js';
import type { Scheduler } from '../channel/scheduler.js';
import type { Enroller, LinkLog } from './link-server.ports.js';

type Body = { readonly text: string } | { readonly fault: 'too-large' | 'too-slow' | 'broken-off' };
interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** Answers one enrolment request, always. Faults are problem details (RFC 9457) with a code. */
export async function answerEnrolment(
  request: IncomingMessage,
  response: ServerResponse,
  ports: { readonly enroller: Enroller; readonly scheduler: Scheduler; readonly log: LinkLog },
): Promise<void> {
  const wanted = await readRequest(request, ports.scheduler);
  if ('status' in wanted) {
    sendProblem(response, wanted);
    return;
  }
  try {
    const reply = await ports.enroller.enrol(wanted);
    if ('refused' in reply) {
      sendProblem(response, { status: 401, code: reply.refused, detail: reply.message });
      return;
    }
    sendJson(response, 201, 'application/json', reply);
  } catch (error) {
    ports.log('warn', `An enrolment could not be taken: ${error instanceof Error ? error.message : String(error)}`);
    sendProblem(response, {
      status: 503,
      code: 'ENROLMENT_UNAVAILABLE',
      detail: 'Enrolment is not possible just now.',
    });
  }
}

async function readRequest(request: IncomingMessage, scheduler: Scheduler): Promise<EnrolRequest | Problem> {
  if (request.method !== 'POST') {
    return { status: 405, code: 'METHOD_NOT_ALLOWED', detail: 'An enrolment is a POST request.' };
  }
  const body = await readBody(request, scheduler);
  if ('fault' in body) {
    return body.fault === 'too-large'
      ? { status: 413, code: 'BODY_TOO_LARGE', detail: `An enrolment has at most ${MAX_ENROL_BODY_BYTES} bytes.` }
      : { status: 408, code: 'BODY_INCOMPLETE', detail: 'The enrolment did not arrive in full.' };
  }
  const json = parseJson(body.text);
  if (json === undefined) return { status: 400, code: 'BODY_MALFORMED', detail: 'The enrolment is not JSON.' };
  const parsed = enrolRequest.safeParse(json);
  return parsed.success
    ? parsed.data
    : {
        status: 400,
        code: 'BODY_MALFORMED',
        detail: `The enrolment is not understood: ${describeFault(parsed.error)}`,
      };
}

async function readBody(request: IncomingMessage, scheduler: Scheduler): Promise<Body> {
  return new Promise<Body>((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const finish = (body: Body): void => {
      cancel();
      request.off('data', take);
      // What else comes is thrown away unread, so that the answer can still be delivered.
      request.resume();
      resolve(body);
    };
    const take = (part: Buffer): void => {
      bytes += part.length;
      if (bytes > MAX_ENROL_BODY_BYTES) finish({ fault: 'too-large' });
      else parts.push(part);
    };
    const cancel = scheduler.after(ENROL_BODY_LIMIT_MS, () => {
      finish({ fault: 'too-slow' });
    });
    request.on('data', take);
    request.once('end', () => {
      finish({ text: Buffer.concat(parts).toString('utf8') });
    });
    request.once('error', () => {
      finish({ fault: 'broken-off' });
    });
    request.once('close', () => {
      finish({ fault: 'broken-off' });
    });
  });
}

function sendProblem(response: ServerResponse, problem: Problem): void {
  sendJson(response, problem.status, 'application/problem+json', {
    type: 'about:blank',
    title: 'Enrolment refused',
    status: problem.status,
    code: problem.code,
    detail: problem.detail,
  });
}

function sendJson(response: ServerResponse, status: number, contentType: string, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  // A refused body may still be under way; the connection is not worth keeping.
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', connection: 'close' });
  response.end(JSON.stringify(body));
}
