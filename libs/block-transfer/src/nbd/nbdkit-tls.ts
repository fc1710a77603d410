import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataIdentity } from '../tls/data-identity.js';

/** TLS is demanded of every client, and of every client this one certificate. */
export interface ServerTls {
  readonly identity: DataIdentity;
  /** PEM of exactly one certificate. It is its own authority, and it alone is accepted. */
  readonly clientCertificate: string;
}

const POLICY_FILE = 'gnutls.conf';
/**
 * nbdkit has no option for versions, but GnuTLS reads a policy (its manual: "System-wide configuration of the library").
 * Where nbdkit was built to ask for the priorities of the system, it finds the usual ones.
 */
const TLS_1_3_ALONE = [
  '[priorities]',
  'SYSTEM=NORMAL',
  '[overrides]',
  ...['tls1.0', 'tls1.1', 'tls1.2', 'dtls1.0', 'dtls1.2'].map((version) => `disabled-version = ${version}`),
  '',
].join('\n');

/** Writes what an nbdkit in TLS reads while it starts: by the names that it looks for (nbdkit-tls(1)), and the policy. */
export async function writeServerTls(folder: string, { identity, clientCertificate }: ServerTls): Promise<void> {
  const files = {
    'server-key.pem': identity.privateKey,
    'server-cert.pem': identity.certificate,
    'ca-cert.pem': clientCertificate,
    [POLICY_FILE]: TLS_1_3_ALONE,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content, { mode: 0o600, flag: 'wx' });
  }
}

/** Options of nbdkit for what {@link writeServerTls} wrote. */
export function serverTlsOptions(folder: string): string[] {
  return ['--tls=require', '--tls-verify-peer', `--tls-certificates=${folder}`];
}

/** Its environment, beside the usual one. */
export function serverTlsEnvironment(folder: string): Record<string, string> {
  return { GNUTLS_SYSTEM_PRIORITY_FILE: join(folder, POLICY_FILE) };
}
