import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connect as connectTls, TLSSocket, type SecureVersion } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  EndpointFailure,
  makeDataIdentity,
  NbdConnection,
  startNbdkit,
  type DataIdentity,
  type NbdkitOptions,
  type NbdkitServer,
} from '#libs/block-transfer';
import { encodeClientFlags, encodeStartTls } from '../src/nbd/nbd.codec.js';
import { FalseServer, SAYS } from './false-server.js';
import { TappedLink } from './tapped-link.js';

const MIB = 1024 * 1024;
const HOST = '127.0.0.1';
/** Not one of the names that are known to stay on the machine, though it does. */
const ELSEWHERE = '127.1';
const SEVEN_YEARS_AGO = new Date(Date.now() - 7 * 365 * 24 * 60 * 60 * 1000);
const PATTERN = Buffer.from('The quick brown fox of this disk must not be seen on the wire. ');
const ENDS_SOON = { handshakeTimeoutMs: 300 };

let agent: DataIdentity;
let restorer: DataIdentity;
let other: DataIdentity;
let expired: DataIdentity;
let folder: string;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  agent = await makeDataIdentity('agent');
  restorer = await makeDataIdentity('restorer');
  other = await makeDataIdentity('other');
  expired = await makeDataIdentity('expired', SEVEN_YEARS_AGO);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-tls-'));
});
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
  await rm(folder, { recursive: true });
});

function kept<T extends { close(): Promise<void> }>(opened: T): T {
  open.push(opened);
  return opened;
}

const disk = () => ({ path: join(folder, 'disk.img'), sizeBytes: 8 * MIB, host: HOST });

async function serve(identity = restorer, client = agent, more: Partial<NbdkitOptions> = {}): Promise<NbdkitServer> {
  const tls = { identity, clientCertificate: client.certificate };
  return kept(await startNbdkit({ ...disk(), tls, ...more }));
}

async function falseServer(answer: (socket: Socket) => void): Promise<FalseServer> {
  return kept(await FalseServer.at(HOST, answer));
}

describe('a data path in TLS', () => {
  it('hides what is on the disk, in both directions; the same path in the clear shows it', async () => {
    const payload = Buffer.alloc(MIB, PATTERN);
    const seen = async (server: NbdkitServer): Promise<boolean> => {
      const link = kept(await TappedLink.to(server.export));
      const connection = kept(await NbdConnection.connect(link.near, { identity: agent }));
      await connection.write(MIB, payload);
      await connection.flush();
      const found = Buffer.alloc(MIB);
      await connection.read(MIB, found);
      expect(found.equals(payload)).toBe(true);
      expect(link.heardBytes.length).toBeGreaterThan(2 * MIB);
      return link.heardBytes.includes(PATTERN);
    };
    expect(await seen(await serve())).toBe(false);
    expect(await seen(kept(await startNbdkit(disk())))).toBe(true);
  });

  it('does not care what the server is called', async () => {
    const { export: served } = await serve();
    for (const host of ['localhost', ELSEWHERE]) {
      kept(await NbdConnection.connect({ ...served, host }, { identity: agent }));
    }
  });

  it('is lost when a byte is changed on the way, and nothing false is written', async () => {
    const link = kept(await TappedLink.to((await serve()).export));
    const connection = kept(await NbdConnection.connect(link.near, { identity: agent }));
    await connection.write(0, Buffer.alloc(MIB, 1));
    await connection.flush();
    link.meddle = (chunk) => {
      chunk[chunk.length - 1]! ^= 1;
      return chunk;
    };
    await expect(connection.write(0, Buffer.alloc(4096, 2))).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
    const written = await readFile(disk().path);
    expect(written.subarray(0, MIB).every((byte) => byte === 1)).toBe(true);
  });
});

describe('a client that was told a certificate', () => {
  it('refuses a server with another one', async () => {
    const { export: served } = await serve(other);
    const target = { ...served, serverCertificate: restorer.certificate };
    await expect(NbdConnection.connect(target, { identity: agent })).rejects.toMatchObject({
      code: 'DATA_PATH_UNTRUSTED',
      detail: expect.stringContaining('is not the target of this attempt'),
    });
  });

  it('refuses a server whose certificate has expired', async () => {
    const { export: served } = await serve(expired);
    await expect(NbdConnection.connect(served, { identity: agent })).rejects.toMatchObject({
      code: 'DATA_PATH_UNTRUSTED',
      detail: expect.stringContaining('expired'),
    });
  });

  it('refuses a server without TLS, and tells it nothing', async () => {
    const { export: served } = kept(await startNbdkit(disk()));
    const target = { ...served, serverCertificate: restorer.certificate };
    await expect(NbdConnection.connect(target, { identity: agent })).rejects.toMatchObject({
      code: 'DATA_PATH_UNTRUSTED',
      detail: expect.stringContaining('refuses TLS'),
    });
    for (const says of [SAYS.tlsForbidden, SAYS.tlsUnknown]) {
      const server = await falseServer((socket) => socket.write(Buffer.concat([says, SAYS.described])));
      const false_ = server.exportWith(HOST, restorer.certificate);
      await expect(NbdConnection.connect(false_, { identity: agent })).rejects.toMatchObject({
        code: 'DATA_PATH_UNTRUSTED',
      });
      expect(Buffer.concat(server.told)).toEqual(Buffer.alloc(0));
    }
  });

  it('refuses words in the clear after the agreement on TLS, at once or a little later', async () => {
    const atOnce = await falseServer((socket) => socket.write(Buffer.concat([SAYS.tlsAgreed, SAYS.described])));
    const later = await falseServer((socket) => {
      socket.write(SAYS.tlsAgreed);
      // By the client's first words of TLS it is past the agreement.
      socket.once('data', () => socket.write(SAYS.described));
    });
    for (const server of [atOnce, later]) {
      const target = server.exportWith(HOST, restorer.certificate);
      await expect(NbdConnection.connect(target, { identity: agent })).rejects.toMatchObject({
        code: 'DATA_PATH_UNTRUSTED',
      });
    }
    expect(Buffer.concat(atOnce.told)).toEqual(Buffer.alloc(0));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('refuses a server below TLS 1.3 (%s at most)', async (maxVersion) => {
    const server = await falseServer((socket) => {
      socket.write(SAYS.tlsAgreed);
      socket.removeAllListeners('data');
      const { certificate: cert, privateKey: key } = restorer;
      const secure = new TLSSocket(socket, { isServer: true, cert, key, minVersion: 'TLSv1.2', maxVersion });
      secure.on('error', () => undefined).once('data', () => secure.write(SAYS.described));
    });
    const connecting = NbdConnection.connect(server.exportWith(HOST, restorer.certificate), { identity: agent });
    if (maxVersion === 'TLSv1.3') kept(await connecting);
    else await expect(connecting).rejects.toMatchObject({ code: 'DATA_PATH_UNTRUSTED' });
  });

  it('needs one of its own, and a certificate that can be read', async () => {
    const { export: served } = await serve();
    await expect(NbdConnection.connect(served)).rejects.toMatchObject({ code: 'DATA_PATH_UNTRUSTED' });
    const garbled = { ...served, serverCertificate: 'not a certificate' };
    await expect(NbdConnection.connect(garbled, { identity: agent })).rejects.toMatchObject({
      code: 'DATA_PATH_UNTRUSTED',
    });
  });

  it('calls a path lost that breaks or falls silent while TLS begins, within the time for the whole handshake', async () => {
    const breaks = await falseServer((socket) => socket.write(SAYS.tlsAgreed, () => socket.destroy()));
    await expect(
      NbdConnection.connect(breaks.exportWith(HOST, restorer.certificate), { identity: agent }),
    ).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
    const silent = await falseServer((socket) => socket.write(SAYS.tlsAgreed));
    const target = silent.exportWith(HOST, restorer.certificate);
    await expect(NbdConnection.connect(target, { identity: agent, ...ENDS_SOON })).rejects.toMatchObject({
      code: 'DATA_PATH_LOST',
      detail: expect.stringContaining('no NBD handshake'),
    });
    const stop = new AbortController();
    const reason = new Error('the round is over');
    silent.told.length = 0;
    const connecting = NbdConnection.connect(target, { identity: agent, signal: stop.signal });
    await vi.waitFor(() => expect(silent.told.length).toBeGreaterThan(0));
    stop.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });

  it('ends with the reason of whoever ends it right after TLS began, also one with a code', async () => {
    const stop = new AbortController();
    const reason = new EndpointFailure('SOURCE_READ_FAILED', 'the file systems were let go');
    const server = await falseServer((socket) => {
      socket.write(SAYS.tlsAgreed);
      socket.removeAllListeners('data');
      const { certificate: cert, privateKey: key } = restorer;
      const secure = new TLSSocket(socket, { isServer: true, cert, key });
      // The client's first words in TLS.
      secure.on('error', () => undefined).once('data', () => stop.abort(reason));
    });
    const options = { identity: agent, signal: stop.signal };
    await expect(NbdConnection.connect(server.exportWith(HOST, restorer.certificate), options)).rejects.toBe(reason);
  });
});

describe('a client without a certificate to go by', () => {
  it('gives nothing to another machine in the clear, unless it is allowed to', async () => {
    const { export: served } = kept(await startNbdkit(disk()));
    const target = { ...served, host: ELSEWHERE };
    await expect(NbdConnection.connect(target, { identity: agent })).rejects.toMatchObject({
      code: 'DATA_PATH_UNTRUSTED',
      detail: expect.stringContaining('in the clear'),
    });
    kept(await NbdConnection.connect(target, { identity: agent, allowCleartext: true }));
  });

  it('gets nothing from a server with TLS', async () => {
    const { host, port, exportName } = (await serve()).export;
    await expect(NbdConnection.connect({ host, port, exportName })).rejects.toMatchObject({
      code: 'EXPORT_FAILED',
      detail: expect.stringContaining('demands TLS'),
    });
  });
});

describe('a server in TLS', () => {
  it('serves its one client, and nobody whom it was not told', async () => {
    const server = await serve();
    await expect(NbdConnection.connect(server.export, { identity: other })).rejects.toMatchObject({
      code: 'DATA_PATH_LOST',
      detail: expect.stringContaining("may not know this end's certificate"),
    });
    const nobody = { certificate: '', privateKey: '' };
    await expect(NbdConnection.connect(server.export, { identity: nobody })).rejects.toMatchObject({
      code: 'DATA_PATH_LOST',
    });
    kept(await NbdConnection.connect(server.export, { identity: agent }));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'does not speak to its client below TLS 1.3 (%s at most)',
    async (maxVersion) => {
      const server = await serve();
      const agreed = protocolOf(server, maxVersion);
      if (maxVersion === 'TLSv1.3') expect(await agreed).toBe('TLSv1.3');
      else await expect(agreed).rejects.toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE|ERR_SSL_)/) });
    },
  );

  /** What a client with the right certificate and no newer version than this gets to speak. */
  async function protocolOf(
    { export: { host, port } }: NbdkitServer,
    maxVersion: SecureVersion,
  ): Promise<string | null> {
    const plain = connect({ host, port });
    try {
      await once(plain, 'data');
      plain.write(Buffer.concat([encodeClientFlags(true), encodeStartTls()]));
      await once(plain, 'data');
      const { certificate: cert, privateKey: key } = agent;
      const options = {
        minVersion: 'TLSv1.2',
        maxVersion,
        servername: '',
        checkServerIdentity: () => undefined,
      } as const;
      const secure = connectTls({ socket: plain, cert, key, ca: restorer.certificate, ...options });
      await once(secure, 'secureConnect');
      return secure.getProtocol();
    } finally {
      plain.destroy();
    }
  }

  it('does not serve a client whose certificate has expired', async () => {
    const server = await serve(restorer, expired);
    await expect(NbdConnection.connect(server.export, { identity: expired })).rejects.toMatchObject({
      code: 'DATA_PATH_LOST',
    });
  });

  it('has its key in a folder of its own while it starts, for its owner alone, and nowhere afterwards', async () => {
    const tools = join(folder, 'tools');
    const starts = join(folder, 'starts');
    const modes = join(folder, 'modes');
    await mkdir(tools);
    await mkdir(starts);
    const spy = join(tools, 'nbdkit');
    await writeFile(
      spy,
      `#!/bin/sh
for given in "$@"; do case "$given" in --tls-certificates=*) d="\${given#*=}"; stat -c '%a %F' "$d" "$d"/* > ${modes} ;; esac; done
exec /usr/bin/nbdkit "$@"
`,
    );
    await chmod(spy, 0o755);
    vi.stubEnv('PATH', `${tools}${delimiter}${process.env['PATH'] ?? ''}`);
    const server = await serve(restorer, agent, { startFolder: starts }).finally(() => vi.unstubAllEnvs());
    expect(await readFile(modes, 'utf8')).toBe(`700 directory\n${'600 regular file\n'.repeat(4)}`);
    expect(await readdir(starts)).toEqual([]);
    kept(await NbdConnection.connect(server.export, { identity: agent }));
  });
});
