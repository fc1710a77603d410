import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NbdExport } from '#libs/contracts';
import { EndpointFailure, reasonOf, systemErrorCode } from '../endpoint-failure.js';
import { createImage } from './create-image.js';
import { REQUESTS_IN_FLIGHT } from './nbd-connection.js';
import { serverTlsEnvironment, serverTlsOptions, writeServerTls, type ServerTls } from './nbdkit-tls.js';

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 10;
const PORT_ATTEMPTS = 5;
/** nbdkit waits for its clients when asked to end; afterwards it is not asked. */
const POLITE_END_MS = 500;
const KEPT_OUTPUT_CHARACTERS = 2000;
export const NBDKIT_OPTIONS = [
  // No more threads for each connection than have something to do: each keeps a buffer of its largest request.
  '--threads',
  String(REQUESTS_IN_FLIGHT),
  // Nobody asks for holes. Else each connection looks for the first one before it is answered, one after the other: in a
  // file without holes that is a walk over all of it, 20 ms and more for each GiB that is in memory.
  '--filter=noextents',
] as const;

export interface NbdkitOptions {
  /** The device or image file to serve. */
  path: string;
  /** What `path` must hold: a missing file is created, sparse, at this size; a smaller one is an error. */
  sizeBytes?: number;
  /** Address to listen at. */
  host: string;
  readOnly?: boolean;
  /** Left out: whoever reaches the port has the disk. */
  tls?: ServerTls;
  /**
   * Where a folder (mode 0700) with what nbdkit reads while it starts, the private key among it, is made and taken away
   * again. What is left of it when this process is killed at that moment is for the caller to remove. Default: the
   * system's folder for temporary files.
   */
  startFolder?: string;
  /** nbdkit's filters, outermost first, and the parameters that they ask for. */
  filters?: readonly string[];
  parameters?: readonly string[];
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what the server had to say. */
  readonly output: string;
}

export interface NbdkitServer {
  readonly export: NbdExport;
  readonly pid: number;
  /** Resolves when the server's process is gone, whoever ended it. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Ends the server and waits until it is gone: no write of its clients can land afterwards. */
  close(): Promise<void>;
}

/**
 * Serves one disk by an nbdkit of its own, on a free port, and returns once it accepts connections. The server is a
 * child in the foreground that ends with this process, even if this process is killed.
 *
 * A server per attempt is also what makes a retry safe: writes of an abandoned connection that wait inside a server
 * die with it. Rejects with an EndpointFailure `TARGET_DISK_MISSING` or `EXPORT_FAILED`.
 */
export async function startNbdkit(options: NbdkitOptions): Promise<NbdkitServer> {
  await prepareDisk(options);
  let failure: EndpointFailure | null = null;
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const started = await startOnce(options, await freePort(options.host));
    if (!(started instanceof EndpointFailure)) return started;
    failure = started;
    // Somebody else may take a free port in the moment between finding and using it; nothing else is worth a retry.
    if (!failure.detail.includes('Address already in use')) break;
  }
  throw failure ?? new EndpointFailure('EXPORT_FAILED', 'nbdkit was never started');
}

async function prepareDisk({ path, sizeBytes }: NbdkitOptions): Promise<void> {
  try {
    const status = await stat(path);
    if (status.isFile() && sizeBytes !== undefined && status.size < sizeBytes) {
      throw new EndpointFailure('TARGET_DISK_MISSING', `${path} has ${status.size} bytes, fewer than ${sizeBytes}`);
    }
  } catch (error) {
    if (error instanceof EndpointFailure) throw error;
    if (systemErrorCode(error) !== 'ENOENT' || sizeBytes === undefined) {
      throw new EndpointFailure('TARGET_DISK_MISSING', `${path}: ${reasonOf(error)}`, { cause: error });
    }
    await createImage(path, sizeBytes);
  }
}

async function startOnce(options: NbdkitOptions, port: number): Promise<NbdkitServer | EndpointFailure> {
  const folder = await mkdtemp(join(options.startFolder ?? tmpdir(), 'landfall-nbdkit-'));
  let child: ChildProcess;
  let exited: Promise<ServerExit>;
  try {
    const pidFile = join(folder, 'pid');
    if (options.tls !== undefined) await writeServerTls(folder, options.tls);
    child = spawn('nbdkit', nbdkitArguments(options, port, folder, pidFile), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...(options.tls === undefined ? {} : serverTlsEnvironment(folder)),
        LC_ALL: 'C',
        PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
      },
    });
    exited = exitOf(child);
    const fault = await untilReady(child, pidFile, exited);
    if (fault !== null) {
      await endProcess(child, exited);
      return new EndpointFailure('EXPORT_FAILED', fault);
    }
  } finally {
    // A server that is ready has read everything that it needs of it.
    await rm(folder, { recursive: true, force: true });
  }
  const { host, tls } = options;
  return {
    export: {
      host,
      port,
      exportName: '',
      ...(tls === undefined ? {} : { serverCertificate: tls.identity.certificate }),
    },
    pid: child.pid ?? -1,
    exited,
    close: () => endProcess(child, exited),
  };
}

function nbdkitArguments(options: NbdkitOptions, port: number, folder: string, pidFile: string): string[] {
  const { path, host, readOnly, tls, filters = [], parameters = [] } = options;
  return [
    '--foreground',
    '--exit-with-parent',
    '--ipaddr',
    host,
    '--port',
    String(port),
    '--pidfile',
    pidFile,
    ...NBDKIT_OPTIONS,
    ...(tls === undefined ? [] : serverTlsOptions(folder)),
    ...(readOnly === true ? ['--readonly'] : []),
    ...filters.map((filter) => `--filter=${filter}`),
    'file',
    `file=${path}`,
    ...parameters,
  ];
}

/** Ready is when the pid file appears: only our own child writes it, and only once it listens. Else the fault's text. */
async function untilReady(child: ChildProcess, pidFile: string, exited: Promise<ServerExit>): Promise<string | null> {
  for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline;) {
    const ended = await Promise.race([exited, delay(READY_POLL_MS, null)]);
    if (ended !== null) return `nbdkit ended at once (code ${ended.code ?? 'none'}): ${ended.output}`;
    const written = await readFile(pidFile, 'utf8').catch(() => '');
    if (Number(written.trim()) === child.pid) return null;
  }
  return `nbdkit was not ready within ${READY_TIMEOUT_MS} ms`;
}

function exitOf(child: ChildProcess): Promise<ServerExit> {
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT_CHARACTERS);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, output: reasonOf(error) }));
    child.once('close', (code, signal) => resolve({ code, signal, output: output.trim() }));
  });
}

async function endProcess(child: ChildProcess, exited: Promise<ServerExit>): Promise<void> {
  if (child.pid === undefined) return;
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), POLITE_END_MS);
  await exited;
  clearTimeout(impatient);
}

async function freePort(host: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) =>
      reject(new EndpointFailure('EXPORT_FAILED', `no port at ${host}: ${error.message}`, { cause: error })),
    );
    probe.listen(0, host, () => resolve());
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new EndpointFailure('EXPORT_FAILED', `no port at ${host}`);
  return address.port;
}
