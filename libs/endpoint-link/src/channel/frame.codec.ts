import {
  CONTROL_PROTOCOL_VERSION,
  endpointFrame,
  serverFrame,
  type EndpointFrame,
  type ServerFrame,
} from '#libs/contracts';
import * as z from 'zod';

/** What came in from an endpoint, judged. */
export type ReceivedFromEndpoint =
  | { readonly kind: 'frame'; readonly frame: EndpointFrame }
  /** A report in a proper envelope whose content has no meaning here: it can be refused by its id. */
  | { readonly kind: 'unknown-report'; readonly reportId: string; readonly message: string }
  | { readonly kind: 'version-unsupported'; readonly version: number }
  | { readonly kind: 'malformed'; readonly message: string };

export type ReceivedFromServer =
  | { readonly kind: 'frame'; readonly frame: ServerFrame }
  | { readonly kind: 'version-unsupported'; readonly version: number }
  | { readonly kind: 'malformed'; readonly message: string };

const MAX_FAULT_CHARACTERS = 300;
const reportEnvelope = z.object({ type: z.literal('report'), reportId: z.uuid(), report: z.unknown() });
const greetingEnvelope = z.object({ type: z.enum(['hello', 'welcome']), protocolVersion: z.number() });

/** Reads one text message of an endpoint. Never throws. */
export function decodeEndpointFrame(text: string): ReceivedFromEndpoint {
  const json = parseJson(text);
  if (json === undefined) return { kind: 'malformed', message: 'The message is not JSON.' };
  const frame = endpointFrame.safeParse(json);
  if (frame.success) return { kind: 'frame', frame: frame.data };
  const message = describeFault(frame.error);
  const report = reportEnvelope.safeParse(json);
  if (report.success) return { kind: 'unknown-report', reportId: report.data.reportId, message };
  return otherVersion(json) ?? { kind: 'malformed', message };
}

/** Reads one text message of the server. Never throws. */
export function decodeServerFrame(text: string): ReceivedFromServer {
  const json = parseJson(text);
  if (json === undefined) return { kind: 'malformed', message: 'The message is not JSON.' };
  const frame = serverFrame.safeParse(json);
  if (frame.success) return { kind: 'frame', frame: frame.data };
  return otherVersion(json) ?? { kind: 'malformed', message: describeFault(frame.error) };
}

export function encodeFrame(frame: EndpointFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** The faults of a schema in one bounded line. */
export function describeFault(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll('\n', ' ').slice(0, MAX_FAULT_CHARACTERS);
}

/** The JSON value of a text; `undefined`, which JSON cannot express, when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function otherVersion(json: unknown): { kind: 'version-unsupported'; version: number } | undefined {
  const greeting = greetingEnvelope.safeParse(json);
  if (!greeting.success || greeting.data.protocolVersion === CONTROL_PROTOCOL_VERSION) return undefined;
  return { kind: 'version-unsupported', version: greeting.data.protocolVersion };
}
