/** Either side asks for a sign of life this often. */
export const HEARTBEAT_INTERVAL_MS = 15_000;
/** A connection without any sign of life for this long is given up. */
export const SILENCE_LIMIT_MS = 45_000;
/** From the open socket to `hello`, and from `hello` to `welcome`. */
export const GREETING_LIMIT_MS = 10_000;
/** Reports an endpoint may have under way, unanswered, on one connection. The server closes on more. */
export const MAX_REPORTS_UNDER_WAY = 16;
/** Bytes the server may have waiting for one endpoint; more means that it does not read. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Body of an enrolment; a token and a name fit many times over. */
export const MAX_ENROL_BODY_BYTES = 16 * 1024;
/** From the first byte of an enrolment to its last. */
export const ENROL_BODY_LIMIT_MS = 10_000;
/** WebSocket upgrades whose credentials are being checked at the same time. */
export const MAX_PENDING_UPGRADES = 256;
