import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { systemErrorCode } from '../endpoint-failure.js';
import type { DataIdentity } from '../tls/data-identity.js';
import { pathUntrusted } from './nbd-failures.js';
import { NbdInsecureError } from './nbd.codec.js';

/** The only server that will do, and who this end is to it. */
export interface PinnedTrust {
  /** PEM */
  readonly serverCertificate: string;
  readonly identity: DataIdentity;
}

/**
 * Turns an NBD connection, whose server just agreed to it, into TLS 1.3 with both sides known. The server is accepted by
 * its very certificate alone, whatever it calls itself: no authority, no host name and no DNS has a say.
 *
 * Rejects with an EndpointFailure `DATA_PATH_UNTRUSTED`, with the connection's own error, or with the signal's reason.
 */
export async function beginTls(
  plain: Socket,
  { serverCertificate, identity }: PinnedTrust,
  where: string,
  end: AbortSignal,
): Promise<TLSSocket> {
  end.throwIfAborted();
  if (plain.readableLength > 0) throw new NbdInsecureError('more was said in the clear after the agreement on TLS');
  const pinned = fingerprintOf(serverCertificate, where);
  const socket = connectTls({
    socket: plain,
    secureContext: contextOf(serverCertificate, identity),
    // Said expressly, because an environment variable can change the default.
    rejectUnauthorized: true,
    servername: '',
    checkServerIdentity: (_name, { fingerprint256 }) =>
      fingerprint256 === pinned ? undefined : new Error('another certificate than that of the export'),
  });
  socket.on('error', () => undefined);
  const settled = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      const ended = (): void => reject(end.reason instanceof Error ? end.reason : new Error('aborted'));
      const onError = (error: Error): void => reject(refused(socket, where, error));
      const onClose = (): void => reject(new Error('the server closed the connection while TLS began'));
      const onSecure = (): void => resolve(socket);
      socket.on('secureConnect', onSecure).on('error', onError).on('close', onClose);
      end.addEventListener('abort', ended);
      settled.signal.addEventListener('abort', () => {
        socket.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
        end.removeEventListener('abort', ended);
      });
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    settled.abort();
  }
}

/** By the identity, for its last server: all disks of an attempt have the same, and each one is memory outside of the heap. */
const contexts = new WeakMap<DataIdentity, { readonly serverCertificate: string; readonly made: SecureContext }>();

function contextOf(serverCertificate: string, identity: DataIdentity): SecureContext {
  const last = contexts.get(identity);
  if (last?.serverCertificate === serverCertificate) return last.made;
  const { certificate: cert, privateKey: key } = identity;
  const made = createSecureContext({ ca: serverCertificate, cert, key, minVersion: 'TLSv1.3' });
  contexts.set(identity, { serverCertificate, made });
  return made;
}

function fingerprintOf(certificate: string, where: string): string {
  try {
    return new X509Certificate(certificate).fingerprint256;
  } catch (error) {
    throw pathUntrusted(where, 'the certificate of the export cannot be read', error);
  }
}

/** A connection that broke may be had again; one that TLS itself would not have is for a person. */
function refused(socket: TLSSocket, where: string, error: Error): Error {
  // Node's types have an Error here; it is a code such as CERT_HAS_EXPIRED.
  const verdict: unknown = socket.authorizationError;
  if (verdict !== null && verdict !== undefined) {
    return pathUntrusted(where, `what answers is not the target of this attempt (${error.message})`, error);
  }
  return systemErrorCode(error).startsWith('ERR_SSL_')
    ? pathUntrusted(where, `what answers does not speak TLS 1.3 with us (${error.message})`, error)
    : error;
}
