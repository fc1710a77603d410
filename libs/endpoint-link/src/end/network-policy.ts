import { isLoopback } from '#libs/program';

/** The server's address cannot be used. The message says why and what to do. */
export class ServerUrlError extends Error {
  override readonly name = 'ServerUrlError';
}

const SECURE = new Set(['https:', 'wss:']);
const PLAIN = new Set(['http:', 'ws:']);

/**
 * Checks the server's address. Without TLS, credentials would cross the network in the clear, so plain HTTP is for
 * loopback only unless the operator takes the risk expressly.
 * @throws {@link ServerUrlError}
 */
export function checkServerUrl(serverUrl: string, insecureNetwork: boolean): URL {
  const url = URL.parse(serverUrl);
  if (url === null) throw new ServerUrlError(`"${serverUrl}" is not a URL.`);
  if (SECURE.has(url.protocol)) return url;
  if (!PLAIN.has(url.protocol)) throw new ServerUrlError(`"${serverUrl}" must begin with https:// or http://.`);
  if (!isLoopback(url.hostname) && !insecureNetwork) {
    throw new ServerUrlError(
      `Refused to use ${url.origin}: credentials would travel in the clear. Use https, or accept the risk with --insecure-network.`,
    );
  }
  return url;
}

/** The address of a path on the server, in the scheme of the protocol. */
export function addressOf(server: URL, protocol: 'http' | 'ws', path: string): URL {
  const address = new URL(server);
  address.protocol = SECURE.has(server.protocol) ? `${protocol}s:` : `${protocol}:`;
  address.pathname = path;
  address.search = '';
  address.hash = '';
  return address;
}
