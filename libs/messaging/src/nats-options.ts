/** Options of the NATS client and of Nest's transport, which hands them to it unchanged. */
export interface NatsConnectionOptions {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly name: string;
  readonly maxReconnectAttempts: number;
  readonly reconnectTimeWait: number;
  readonly waitOnFirstConnect: boolean;
}

const RECONNECT_WAIT_MS = 250;

/**
 * @param url `nats://[user:password@]host:port`, several separated by commas
 * @param name how the connection shows up in the server's monitoring
 */
export const natsOptions = (url: string, name: string): NatsConnectionOptions => {
  const urls = url.split(',').map((part) => new URL(part.trim()));
  const first = urls[0];
  return {
    servers: urls.map((each) => `${each.hostname}:${each.port || '4222'}`),
    name,
    // A service outlives an absence of NATS: it waits for the first connection and never stops trying.
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    waitOnFirstConnect: true,
    ...(first?.username ? { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) } : {}),
  };
};
