import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LOOPBACK, type TlsFolders } from './route.js';
import { tool } from './tool.js';

const ENDS = ['server', 'client'] as const;

/** A certificate for each end, which signs itself and which the other end is told: both know each other, as in a migration. */
export async function makeTlsCredentials(folder: string): Promise<TlsFolders> {
  const folders = { server: join(folder, 'tls-server'), client: join(folder, 'tls-client') };
  for (const end of ENDS) {
    await mkdir(folders[end]);
    const [key, certificate] = [join(folders[end], `${end}-key.pem`), join(folders[end], `${end}-cert.pem`)];
    const newKey = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
    const names = ['-subj', `/CN=benchmark ${end}`, '-addext', `subjectAltName=IP:${LOOPBACK}`];
    await tool('openssl', 'req', ...newKey, '-days', '2', ...names, '-out', certificate);
  }
  const [server, client] = [join(folders.server, 'server-cert.pem'), join(folders.client, 'client-cert.pem')];
  await tool('cp', client, join(folders.server, 'ca-cert.pem'));
  await tool('cp', server, join(folders.client, 'ca-cert.pem'));
  return folders;
}
