import type {
  EndpointFrame,
  EndpointKind,
  EndpointProgress,
  EndpointReport,
  EnrolReply,
  EnrolRequest,
} from '#libs/contracts';

/** An endpoint whose credential was accepted. */
export interface LinkedEndpoint {
  readonly endpointId: string;
  readonly kind: EndpointKind;
}

/** One connection of an endpoint; after a reconnect it has another one. */
export interface EndpointConnection extends LinkedEndpoint {
  /** A UUID. */
  readonly connectionId: string;
}

export type Hello = Extract<EndpointFrame, { type: 'hello' }>;

/** An answer that will not change by asking again. */
export interface Refusal {
  readonly refused: string;
  readonly message: string;
}

/** Exchanges a one-time token for an endpoint's own credential. A rejection means "not now": the caller gets 503. */
export interface Enroller {
  enrol(request: EnrolRequest): Promise<EnrolReply | Refusal>;
}

/** Knows credentials. `null` refuses for good (401); a rejection means "not now" (503). */
export interface Authenticator {
  authenticate(endpointId: string, credential: string): Promise<LinkedEndpoint | null>;
}

export type ReportAnswer = { readonly acknowledged: true } | Refusal;

/**
 * What happens on the channels. Calls for one endpoint never overlap and come in the order of the channel, also
 * across its reconnects (`onProgress` excepted, which is telemetry).
 */
export interface LinkEvents {
  /** After `hello`. `assign` already works here. A rejection closes the channel; the end dials again. */
  onConnected(connection: EndpointConnection, hello: Hello): Promise<void> | void;
  /** Once for each `onConnected` that succeeded. A connection that was replaced ends after its successor is announced. */
  onDisconnected(connection: EndpointConnection, reason: string): Promise<void> | void;
  /**
   * May come more than once for a `reportId`. A rejection is a passing failure: the report stays unacknowledged and
   * the channel is closed, so that the end dials again and repeats it.
   * @param madeAt when the end made it, on this machine's clock, however long it waited since; never in the future
   */
  onReport(endpoint: LinkedEndpoint, reportId: string, report: EndpointReport, madeAt: Date): Promise<ReportAnswer>;
  onProgress(endpoint: LinkedEndpoint, progress: EndpointProgress): void;
}

/** Where the link says what an operator may want to know. */
export type LinkLog = (level: 'info' | 'warn', message: string) => void;
