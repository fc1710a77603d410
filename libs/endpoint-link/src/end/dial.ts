import { MAX_CONTROL_MESSAGE_BYTES } from '#libs/contracts';
import { WebSocket } from 'ws';

const HANDSHAKE_LIMIT_MS = 10_000;

export type Dialled =
  | { readonly kind: 'open'; readonly socket: WebSocket }
  /** The server answered with an HTTP status instead of a channel. */
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Opens a WebSocket. Never rejects. */
export async function dial(
  address: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Dialled> {
  if (signal.aborted) return { kind: 'failed', message: 'given up' };
  const socket = new WebSocket(address, {
    headers,
    maxPayload: MAX_CONTROL_MESSAGE_BYTES,
    handshakeTimeout: HANDSHAKE_LIMIT_MS,
    perMessageDeflate: false,
    followRedirects: false,
  });
  return new Promise<Dialled>((resolve) => {
    const giveUp = (): void => {
      socket.terminate();
    };
    const finish = (dialled: Dialled): void => {
      signal.removeEventListener('abort', giveUp);
      resolve(dialled);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    // Paused until the channel listens, so that a frame right behind the handshake is not lost.
    socket.once('open', () => {
      socket.pause();
      finish({ kind: 'open', socket });
    });
    socket.on('error', (error) => {
      finish({ kind: 'failed', message: error.message });
    });
    socket.once('unexpected-response', (request, response) => {
      finish({ kind: 'answered', status: response.statusCode ?? 0 });
      request.destroy();
    });
  });
}
