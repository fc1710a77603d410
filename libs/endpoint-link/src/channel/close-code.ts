/** Why a channel is closed, as a WebSocket close code: the registered ones, and our own from 4000. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  /** Binary messages are not spoken here. */
  unsupportedData: 1003,
  /** A malformed frame, or one out of turn. */
  protocolViolated: 1008,
  /** A report could not be taken just now; the end reconnects and repeats it. */
  tryAgainLater: 1013,
  /** Another connection of the same endpoint took over. */
  replaced: 4001,
  versionUnsupported: 4002,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** A close frame holds at most 123 bytes of reason. */
const MAX_REASON_BYTES = 123;

/** Cuts a reason to what a close frame can hold, without splitting a character. */
export function fitCloseReason(reason: string): string {
  const encoded = Buffer.from(reason, 'utf8');
  if (encoded.length <= MAX_REASON_BYTES) return reason;
  let end = MAX_REASON_BYTES;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.toString('utf8', 0, end);
}
