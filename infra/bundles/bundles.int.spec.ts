import { digestDisk } from '#libs/block-transfer';
import type { Assignment, EndpointKind, EndpointProgress, EndpointReport, NbdExport } from '#libs/contracts';
import { LinkServer } from '#libs/endpoint-link';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { digestsIn, examineTarget, SOURCE_BYTES, SourceMachine } from './source-disk.fixture.js';

const MIB = 1024 * 1024;
/** Nothing of a disk that has this on it may be seen on the wire. */
const PATTERN = Buffer.from('a line of a file on the source, which nobody in between is to read\n');
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const waitFor = <T>(fact: () => T): Promise<T> => vi.waitFor(fact, { timeout: 30_000, interval: 20 });

const blake3RootOf = async (path: string): Promise<string> =>
  (await digestDisk(path, { algorithm: 'blake3', diskBytes: SOURCE_BYTES })).rootDigest;

type ReportOf<K extends EndpointReport['kind']> = Extract<EndpointReport, { kind: K }>;

/** The smallest server that can direct two ends: it remembers reports, and repeats assignments after a reconnect. */
class TinyServer {
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  readonly hellos: string[] = [];
  /** What the newest agent shows on the data path. */
  agentCertificate: string | undefined;
  readonly software: string[] = [];
  readonly #wanted = new Map<string, Assignment>();
  readonly #ids = new Map<EndpointKind, string>();
  readonly http: HttpServer = createHttpServer();
  readonly #link = new LinkServer({
    enroller: {
      enrol: async ({ kind }) => {
        const endpointId = randomUUID();
        this.#ids.set(kind, endpointId);
        return { endpointId, credential: `secret-of-${kind}` };
      },
    },
    authenticator: {
      authenticate: async (endpointId, credential) => {
        const kind = (['agent', 'restorer'] as const).find((one) => this.#ids.get(one) === endpointId);
        return kind !== undefined && credential === `secret-of-${kind}` ? { endpointId, kind } : null;
      },
    },
    events: {
      onConnected: ({ endpointId, kind }, hello) => {
        this.hellos.push(`${kind} ${hello.assignmentId ?? 'nothing'}`);
        if (kind === 'agent') this.agentCertificate = hello.dataCertificate;
        this.software.push(hello.software);
        const wanted = this.#wanted.get(endpointId);
        if (wanted !== undefined) this.#link.assign(endpointId, wanted);
      },
      onDisconnected: () => undefined,
      onReport: async (_endpoint, _reportId, report) => {
        this.reports.push(report);
        return { acknowledged: true };
      },
      onProgress: (_endpoint, progress) => this.progress.push(progress),
    },
  });

  async start(): Promise<string> {
    this.#link.attach(this.http);
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    await this.#link.close();
    await new Promise((resolve) => this.http.close(resolve));
  }
  want(kind: EndpointKind, assignment: Assignment): void {
    const endpointId = this.#ids.get(kind)!;
    this.#wanted.set(endpointId, assignment);
    this.#link.assign(endpointId, assignment);
  }
  of<K extends EndpointReport['kind']>(kind: K, assignmentId?: string): ReportOf<K>[] {
    return this.reports.filter(
      (report): report is ReportOf<K> =>
        report.kind === kind && (!('assignmentId' in report) || !assignmentId || report.assignmentId === assignmentId),
    );
  }
  connections(kind: EndpointKind): number {
    return this.hellos.filter((hello) => hello.startsWith(kind)).length;
  }
}

describe.runIf(process.getuid?.() === 0)('the bundled ends, against a tiny server and a real disk', () => {
  const taskId = randomUUID();
  const digestAlgorithm = 'blake3';
  const server = new TinyServer();
  const processes: ChildProcess[] = [];
  let folder: string;
  let programs: string;
  let serverUrl: string;
  let source: SourceMachine;
  let agent: ChildProcess;
  let restorerPid = 0;
  let image: string;
  let diskId: string;
  /** Accepts connections and never says a word. */
  const blackHole: Server = createTcpServer();

  /** A bundle on plain `node`, from a folder with nothing else in it. */
  const start = (program: string, ...given: string[]): ChildProcess => {
    const child = spawn(process.execPath, [`landfall-${program}.mjs`, ...given], { cwd: programs, stdio: 'ignore' });
    processes.push(child);
    return child;
  };
  const startAgent = async (): Promise<void> => {
    const before = server.connections('agent');
    const log = join(folder, 'agent.log');
    agent = start('agent', 'run', '--state', join(folder, 'agent'), '--disk', source.device, '--log-file', log);
    await waitFor(() => expect(server.connections('agent')).toBe(before + 1));
  };
  const configure = (): string => {
    const path = join(folder, 'restorer.json');
    image = join(folder, 'target.img');
    const disks = [{ diskId, path: image, sizeBytes: SOURCE_BYTES }];
    const stateFolder = join(folder, 'restorer');
    writeFileSync(
      path,
      JSON.stringify({ serverUrl, token: 'once', name: 'target', stateFolder, listenHost: '127.0.0.1', disks }),
    );
    return path;
  };
  /** Starts the restorer from a parent that is gone, with its end of the pipes, before anything happens. */
  const startRestorer = async (): Promise<void> => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, process.argv.slice(1), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      process.stdout.write(String(child.pid), () => process.exit(0));
    `;
    const given = ['landfall-restorer.mjs', 'run', '--config', configure(), '--log-file'];
    restorerPid = Number(execFileSync(process.execPath, ['-e', script, ...given], { cwd: programs, encoding: 'utf8' }));
    await waitFor(() => expect(server.connections('restorer')).toBe(1));
  };
  /** Each round here has one attempt, and goes by its name. */
  const firstAttempt = (assignmentId: string) => ({ assignmentId, taskId, roundId: assignmentId, attempt: 1 });
  const servedDisks = () => [{ diskId, sizeBytes: SOURCE_BYTES }];
  const openExports = async (assignmentId: string): Promise<NbdExport> => {
    const { agentCertificate: clientCertificate } = server;
    const disks = servedDisks();
    server.want('restorer', { kind: 'serve-exports', ...firstAttempt(assignmentId), disks, clientCertificate });
    return waitFor(() => server.of('exports-opened', assignmentId)[0]!.exports[0]!.export);
  };
  const startRound = (assignmentId: string, roundKind: 'full' | 'incremental' | 'final', target: NbdExport): void => {
    const disks = [{ diskId, device: source.device, sizeBytes: SOURCE_BYTES, export: target }];
    server.want('agent', {
      kind: 'sync-round',
      ...firstAttempt(assignmentId),
      roundKind,
      resend: false,
      digestAlgorithm,
      disks,
    });
  };
  const runRound = async (
    roundKind: 'full' | 'incremental' | 'final',
    over: (target: NbdExport) => Promise<NbdExport> = async (target) => target,
  ): Promise<ReportOf<'round-completed'>['disks'][number]> => {
    const assignmentId = randomUUID();
    startRound(assignmentId, roundKind, await over(await openExports(assignmentId)));
    return waitFor(() => {
      expect(server.of('round-failed', assignmentId)).toEqual([]);
      return server.of('round-completed', assignmentId)[0]!.disks[0]!;
    });
  };
  const targetDigest = async (): Promise<string> => {
    const assignmentId = randomUUID();
    server.want('restorer', { kind: 'compute-digests', assignmentId, taskId, digestAlgorithm, disks: servedDisks() });
    return waitFor(() => server.of('digests-computed', assignmentId)[0]!.disks[0]!.rootDigest);
  };
  const nbdkits = (): string[] => {
    try {
      return execFileSync('pgrep', ['--parent', String(restorerPid), 'nbdkit'], { encoding: 'utf8' })
        .trim()
        .split('\n');
    } catch {
      return [];
    }
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-ends-'));
    programs = join(folder, 'programs');
    mkdirSync(programs);
    execFileSync(process.execPath, [fileURLToPath(new URL('build-bundles.mjs', import.meta.url)), programs]);
    source = new SourceMachine(folder);
    serverUrl = await server.start();
    const given = ['enroll', '--server', serverUrl, '--token', 'once', '--state', join(folder, 'agent')];
    expect(await once(start('agent', ...given), 'exit')).toEqual([0, null]);
    await new Promise<void>((resolve) => blackHole.listen(0, '127.0.0.1', resolve));
    await startAgent();
    diskId = await waitFor(() => server.of('inventory')[0]!.inventory.disks[0]!.diskId);
    await startRestorer();
  }, 120_000);

  afterAll(async () => {
    for (const child of processes) if (child.exitCode === null) child.kill('SIGKILL');
    if (restorerPid > 0 && existsSync(`/proc/${restorerPid}`)) process.kill(restorerPid, 'SIGKILL');
    blackHole.close();
    await server.stop();
    source.remove();
    rmSync(folder, { recursive: true });
  });

  it('offers exactly the disks that were named', () => {
    const [report] = server.of('inventory');
    expect(report?.inventory.disks.map((disk) => [disk.device, disk.sizeBytes])).toEqual([
      [source.device, SOURCE_BYTES],
    ]);
  });

  it('has its BLAKE3 add-on beside it, and needs nothing else', () => {
    expect(readdirSync(programs).filter((name) => /^landfall|node_modules/.test(name))).toEqual([
      'landfall-agent.mjs',
      'landfall-restorer.mjs',
    ]);
    expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toContain('BLAKE3 is native.');
    expect(readFileSync(join(folder, 'restorer/restorer.log'), 'utf8')).toContain('BLAKE3 is native.');
  });

  it('keeps its credential and its images to its owner', () => {
    const modes = execFileSync('stat', ['-c', '%a', join(folder, 'agent/credential.json'), image], {
      encoding: 'utf8',
    });
    expect(modes).toBe('600\n600\n');
  });

  it('full round: sends the used blocks, tells how far it is, and the target digests the same', async () => {
    const result = await runRound('full');
    expect(result).toMatchObject({ diskId, diskBytes: SOURCE_BYTES, baseline: 'none' });
    expect(result.usedBytes).toBeGreaterThan(20 * MIB);
    expect(result.sentBytes).toBeLessThanOrEqual(result.usedBytes * 1.15);
    const acknowledged = server.of('ranges-acknowledged').flatMap(({ ranges }) => ranges);
    expect(acknowledged.reduce((sum, range) => sum + range.lengthBytes, 0)).toBeGreaterThanOrEqual(result.sentBytes);
    expect(server.progress.map(({ activity }) => activity)).toContain('flushing');
    expect(server.reports.at(-1)?.kind).toBe('round-completed');
    expect(await targetDigest()).toBe(result.rootDigest);
    expect(result.digestAlgorithm).toBe('blake3');
    expect(result.rootDigest).toBe(await blake3RootOf(image));
    expect(nbdkits()).toEqual([]);
  });

  it('shows nothing of the disk to whoever listens between the ends, and keeps no key on a disk', async () => {
    writeFileSync(join(source.mountPoint, 'plain'), Buffer.alloc(MIB, PATTERN));
    const heard: Buffer[] = [];
    const tap = createTcpServer();
    const result = await runRound('incremental', async (target) => {
      expect(target.serverCertificate).toMatch(/^-----BEGIN CERTIFICATE-----/);
      tap.on('connection', (near) => {
        const far = connectTcp(target.port, target.host);
        for (const socket of [near, far]) socket.on('error', () => undefined).on('data', (chunk) => heard.push(chunk));
        near.pipe(far).pipe(near);
      });
      await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
      return { ...target, port: (tap.address() as AddressInfo).port };
    });
    tap.close();
    const wire = Buffer.concat(heard);
    expect(wire.length).toBeGreaterThan(MIB);
    expect(wire.includes(PATTERN)).toBe(false);
    expect(readFileSync(image).includes(PATTERN)).toBe(true);
    expect(await targetDigest()).toBe(result.rootDigest);
    const states = [join(folder, 'agent'), join(folder, 'restorer')];
    expect(spawnSync('grep', ['-rl', 'PRIVATE KEY', ...states], { encoding: 'utf8' })).toMatchObject({
      status: 1,
      stdout: '',
    });
  });

  it('does not run a round again that comes again', async () => {
    const { assignmentId } = server.of('round-completed').at(-1)!;
    const before = server.reports.length;
    startRound(assignmentId, 'full', { host: '127.0.0.1', port: 9, exportName: '' });
    // Whatever the agent does next comes after what it would have done about the repetition.
    await runRound('incremental');
    expect(
      server.reports.slice(before).filter((report) => 'assignmentId' in report && report.assignmentId === assignmentId),
    ).toEqual([]);
  });

  it('incremental round: sends what was rewritten, and little more', async () => {
    source.rewrite('file-1', MIB);
    source.rewrite('file-3', MIB);
    const result = await runRound('incremental');
    expect(result.baseline).toBe('kept');
    expect(result.sentBytes).toBeGreaterThanOrEqual(2 * MIB);
    expect(result.sentBytes).toBeLessThanOrEqual(3 * MIB);
    expect(await targetDigest()).toBe(result.rootDigest);
  });

  it('final round: holds the source still, lets go, and the files are the same', async () => {
    source.rewrite('file-5', MIB);
    const result = await runRound('final');
    expect(source.isFrozen()).toBe(false);
    expect(await targetDigest()).toBe(result.rootDigest);
    expect(examineTarget(image, folder)).toEqual(digestsIn(source.mountPoint));
    expect(readFileSync(join(folder, 'agent.log'), 'utf8')).not.toContain('not held still');
  });

  it('says that it lost a round when it is killed in the middle of it', async () => {
    const assignmentId = randomUUID();
    const connected = once(blackHole, 'connection');
    startRound(assignmentId, 'incremental', {
      host: '127.0.0.1',
      port: (blackHole.address() as AddressInfo).port,
      exportName: '',
    });
    await connected;
    agent.kill('SIGKILL');
    await once(agent, 'close');
    await startAgent();
    await waitFor(() =>
      expect(server.of('round-failed', assignmentId)).toMatchObject([{ code: 'ENDPOINT_RESTARTED' }]),
    );
    expect(server.hellos.at(-1)).toBe('agent nothing');
  });

  it('gives a round up for idle, and does the next', async () => {
    const assignmentId = randomUUID();
    const connected = once(blackHole, 'connection');
    startRound(assignmentId, 'incremental', {
      host: '127.0.0.1',
      port: (blackHole.address() as AddressInfo).port,
      exportName: '',
    });
    await connected;
    server.want('agent', { kind: 'idle', assignmentId: 'idle' });
    const result = await runRound('incremental');
    expect(server.reports.filter((report) => 'assignmentId' in report && report.assignmentId === assignmentId)).toEqual(
      [],
    );
    expect(await targetDigest()).toBe(result.rootDigest);
  });

  it('reports an nbdkit that dies, and opens a new one for the next round', async () => {
    const assignmentId = randomUUID();
    const first = await openExports(assignmentId);
    process.kill(Number(nbdkits()[0]), 'SIGKILL');
    await waitFor(() => expect(server.of('exports-failed', assignmentId)).toMatchObject([{ code: 'EXPORT_FAILED' }]));
    const next = randomUUID();
    const second = await openExports(next);
    expect(second.port).not.toBe(first.port);
    expect(nbdkits()).toHaveLength(1);
  });

  it('ends on SIGTERM and leaves nothing running; a second start needs no new token', async () => {
    process.kill(restorerPid, 'SIGHUP');
    process.kill(restorerPid, 'SIGTERM');
    await waitFor(() => expect(existsSync(`/proc/${restorerPid}`)).toBe(false));
    expect(nbdkits()).toEqual([]);
    const log = readFileSync(join(folder, 'restorer/restorer.log'), 'utf8');
    expect(log).toContain('goes on');
    expect(log).toContain('The restorer has ended.');
    const second = start('restorer', 'run', '--config', join(folder, 'restorer.json'));
    await waitFor(() => expect(server.connections('restorer')).toBe(2));
    second.kill('SIGTERM');
    expect(await once(second, 'exit')).toEqual([0, null]);
    agent.kill('SIGTERM');
    expect(await once(agent, 'exit')).toEqual([0, null]);
  });

  it('digests the same without an add-on that fits, and says so; one from a folder above is not taken', async () => {
    const bare = join(folder, 'bare/programs');
    mkdirSync(bare, { recursive: true });
    copyFileSync(join(programs, 'landfall-agent.mjs'), join(bare, 'landfall-agent.mjs'));
    writeFileSync(join(bare, `blake.${process.platform}-${process.arch}-gnu.node`), 'for another machine');
    cpSync(join(ROOT, 'node_modules/@napi-rs'), join(folder, 'bare/node_modules/@napi-rs'), { recursive: true });
    const log = join(folder, 'agent-without-add-on.log');
    const given = ['run', '--state', join(folder, 'agent'), '--disk', source.device, '--log-file', log];
    const connected = server.connections('agent');
    const slow = spawn(process.execPath, [join(bare, 'landfall-agent.mjs'), ...given], { stdio: 'ignore' });
    processes.push(slow);
    await waitFor(() => expect(server.connections('agent')).toBe(connected + 1));
    expect(readFileSync(log, 'utf8')).toContain('BLAKE3 is webassembly');
    expect(server.software.at(-1)).toMatch(/^landfall-agent .* \(slow BLAKE3\)$/);
    const again = start('restorer', 'run', '--config', join(folder, 'restorer.json'));
    source.rewrite('file-7', MIB);
    const result = await runRound('incremental');
    // The table was made by the add-on: what it says of the blocks that did not change is what is said now.
    expect(result).toMatchObject({ baseline: 'kept', digestAlgorithm: 'blake3' });
    expect(result.sentBytes).toBeLessThanOrEqual(2 * MIB);
    expect(await targetDigest()).toBe(result.rootDigest);
    for (const end of [slow, again]) {
      end.kill('SIGTERM');
      expect(await once(end, 'exit')).toEqual([0, null]);
    }
  });

  it('ends with its own exit code when the server does not know it', async () => {
    const path = join(folder, 'agent/credential.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('secret-of', 'guess-of'));
    const refused = start('agent', 'run', '--state', join(folder, 'agent'), '--disk', source.device);
    expect(await once(refused, 'exit')).toEqual([77, null]);
  });
});
