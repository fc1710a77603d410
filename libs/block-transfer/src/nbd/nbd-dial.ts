import { connect as connectTcp, type Socket } from 'node:net';
import type { NbdExport } from '#libs/contracts';
import { isLoopback } from '#libs/program';
import type { DataIdentity } from '../tls/data-identity.js';
import { handshakeFailure, pathUntrusted } from './nbd-failures.js';
import { NbdHandshake, type HandshakeStep, type Negotiated } from './nbd-handshake.js';
import { beginTls, type PinnedTrust } from './nbd-tls.js';

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** How this end lets itself be known, and what it dares to do without knowing the other. */
export interface DataPathSecurity {
  /** Needed for exports that have a certificate. */
  identity?: DataIdentity;
  /** Allows an export without a certificate on another machine: the disk would travel in the clear. Loopback always goes. */
  allowCleartext?: boolean;
}

export interface DialOptions extends DataPathSecurity {
  /** From the first packet to the end of the negotiation: a stopped server accepts connections, and then says nothing. */
  handshakeTimeoutMs?: number;
  /** Ends the connection; what is in flight rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface DialledExport {
  /** Paused, without listeners but one that keeps a late error from being nobody's. */
  readonly socket: Socket;
  /** For messages. */
  readonly where: string;
  readonly negotiated: Negotiated;
  /** What the server said beyond the negotiation. */
  readonly rest: Buffer;
}

/** Where the negotiation has to wait for something else, or ends. */
type Halt = Extract<HandshakeStep, { kind: 'secure' | 'done' }>;

/**
 * Dials an export and negotiates. One with a certificate is spoken to in TLS 1.3 from the first option on that could
 * matter, or not at all; one without only where {@link DataPathSecurity} allows it.
 *
 * Rejects with an EndpointFailure `DATA_PATH_UNTRUSTED`, `EXPORT_FAILED` or `DATA_PATH_LOST`, or with the signal's reason.
 */
export async function dialExport(target: NbdExport, options: DialOptions): Promise<DialledExport> {
  const where = `${target.host}:${target.port}`;
  const trust = trustIn(target, where, options);
  const timeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
  const plain = connectTcp({ host: target.host, port: target.port, noDelay: true });
  plain.on('error', () => undefined);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no NBD handshake within ${timeoutMs} ms`)), timeoutMs);
  const end = options.signal === undefined ? late.signal : AbortSignal.any([options.signal, late.signal]);
  let socket: Socket = plain;
  try {
    const handshake = new NbdHandshake(target.exportName, trust !== null);
    let halt = await converse(socket, handshake, end);
    if (halt.kind === 'secure') {
      if (trust === null) throw new Error('TLS was agreed on without being asked for');
      socket = await beginTls(plain, trust, where, end);
      socket.write(handshake.secured());
      halt = await converse(socket, handshake, end).catch((error: unknown) => {
        throw end.aborted ? error : afterTls(error);
      });
    }
    if (halt.kind === 'secure') throw new Error('TLS was agreed on twice');
    return { socket, where, negotiated: halt.negotiated, rest: halt.rest };
  } catch (error) {
    socket.destroy();
    plain.destroy();
    if (options.signal?.aborted === true && error === options.signal.reason) throw error;
    throw handshakeFailure(where, error);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns null for cleartext */
function trustIn(target: NbdExport, where: string, security: DataPathSecurity): PinnedTrust | null {
  const { serverCertificate } = target;
  if (serverCertificate !== undefined) {
    if (security.identity !== undefined) return { serverCertificate, identity: security.identity };
    throw pathUntrusted(where, 'the export is served in TLS, for which this end has no certificate');
  }
  if (isLoopback(target.host) || security.allowCleartext === true) return null;
  throw pathUntrusted(where, 'the export is not encrypted, and the disk would leave this machine in the clear');
}

/** Drives the handshake to where it halts; on return the socket is paused and has no listeners of this function. */
async function converse(socket: Socket, handshake: NbdHandshake, end: AbortSignal): Promise<Halt> {
  const settled = new AbortController();
  try {
    return await new Promise<Halt>((resolve, reject) => {
      const ended = (): void => reject(reasonIn(end));
      const onClose = (): void => reject(new Error('the server closed the connection during the handshake'));
      const onData = (chunk: Buffer): void => {
        try {
          const step = handshake.push(chunk);
          if (step.kind === 'send') socket.write(step.bytes);
          if (step.kind !== 'secure' && step.kind !== 'done') return;
          socket.pause();
          resolve(step);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      socket.on('data', onData).on('end', onClose).on('close', onClose).on('error', reject);
      end.addEventListener('abort', ended);
      settled.signal.addEventListener('abort', () => {
        socket.off('data', onData).off('end', onClose).off('close', onClose).off('error', reject);
        end.removeEventListener('abort', ended);
      });
      if (end.aborted) ended();
      if (socket.destroyed) onClose();
    });
  } finally {
    settled.abort();
  }
}

/** In TLS 1.3 a server judges its client after the client is done; some say nothing of it and hang up. */
function afterTls(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  const isEnd = error instanceof Error && ('code' in error || text.startsWith('the server closed'));
  return isEnd
    ? new Error(`${text}, right after TLS began; it may not know this end's certificate`, { cause: error })
    : error;
}

function reasonIn(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
