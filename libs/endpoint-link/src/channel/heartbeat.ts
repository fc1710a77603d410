import { HEARTBEAT_INTERVAL_MS, SILENCE_LIMIT_MS } from './channel-limits.js';
import type { Scheduler } from './scheduler.js';

/** What of a WebSocket the heartbeat needs. */
export interface HeartbeatSocket {
  readonly readyState: number;
  readonly OPEN: number;
  ping(): void;
  on(event: 'message' | 'ping' | 'pong', listener: () => void): unknown;
  off(event: 'message' | 'ping' | 'pong', listener: () => void): unknown;
}

export interface HeartbeatTimes {
  readonly intervalMs: number;
  readonly silenceLimitMs: number;
}

const DEFAULT_TIMES: HeartbeatTimes = { intervalMs: HEARTBEAT_INTERVAL_MS, silenceLimitMs: SILENCE_LIMIT_MS };

/**
 * Pings the other side, and calls `onSilent` once when nothing at all (message, ping or pong) came for the limit:
 * a dead link without a reset is noticed by no one else.
 * @returns stops the heartbeat
 */
export function keepAlive(
  socket: HeartbeatSocket,
  scheduler: Scheduler,
  onSilent: () => void,
  times: HeartbeatTimes = DEFAULT_TIMES,
): () => void {
  let lastSignMs = scheduler.nowMs();
  let cancel = (): void => undefined;
  const sign = (): void => {
    lastSignMs = scheduler.nowMs();
  };
  const beat = (): void => {
    if (scheduler.nowMs() - lastSignMs >= times.silenceLimitMs) {
      stop();
      onSilent();
      return;
    }
    if (socket.readyState === socket.OPEN) socket.ping();
    cancel = scheduler.after(times.intervalMs, beat);
  };
  const signs = ['message', 'ping', 'pong'] as const;
  for (const event of signs) socket.on(event, sign);
  const stop = (): void => {
    cancel();
    for (const event of signs) socket.off(event, sign);
  };
  cancel = scheduler.after(times.intervalMs, beat);
  return stop;
}
