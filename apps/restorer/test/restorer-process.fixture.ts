import type { Assignment, EndpointProgress, EndpointReport } from '#libs/contracts';
import { LinkServer } from '#libs/endpoint-link';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

const BUNDLER = fileURLToPath(new URL('../../../infra/bundles/build-bundles.mjs', import.meta.url));

/** Waits for what is not there yet. */
export const untilThere = <T>(what: string, find: () => T | undefined): Promise<T> =>
  vi.waitFor(
    () => {
      const found = find();
      if (found === undefined) throw new Error(`waited in vain for ${what}`);
      return found;
    },
    { timeout: 30_000, interval: 10 },
  );

type ReportOf<K extends EndpointReport['kind']> = Extract<EndpointReport, { kind: K }>;

/** The bundled restorer with one disk, and a server that remembers what it says and repeats what it should do. */
export class RestorerUnderTest {
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  /** The assignment in hand, as each hello told it. */
  readonly hellos: (string | null)[] = [];
  readonly diskId = 'sda';
  readonly #http = createServer();
  readonly #link: LinkServer;
  readonly #endpoint = { endpointId: randomUUID(), kind: 'restorer' } as const;
  #wanted: Assignment = { kind: 'idle', assignmentId: 'idle' };
  #process: ChildProcess | null = null;

  private constructor(
    private readonly folder: string,
    readonly sizeBytes: number,
  ) {
    const { endpointId } = this.#endpoint;
    this.#link = new LinkServer({
      enroller: { enrol: async () => ({ endpointId, credential: 'secret' }) },
      authenticator: { authenticate: async () => this.#endpoint },
      events: {
        onConnected: (_connection, hello) => {
          this.hellos.push(hello.assignmentId);
          this.#link.assign(endpointId, this.#wanted);
        },
        onDisconnected: () => undefined,
        onReport: async (_endpoint, _reportId, report) => {
          this.reports.push(report);
          return { acknowledged: true };
        },
        onProgress: (_endpoint, progress) => this.progress.push(progress),
      },
    });
  }

  static async open(sizeBytes: number): Promise<RestorerUnderTest> {
    const restorer = new RestorerUnderTest(await mkdtemp(join(tmpdir(), 'landfall-restorer-')), sizeBytes);
    execFileSync(process.execPath, [BUNDLER, restorer.folder]);
    restorer.#link.attach(restorer.#http);
    await new Promise<void>((resolve) => restorer.#http.listen(0, '127.0.0.1', resolve));
    await mkdir(join(restorer.folder, 'state'));
    const config = {
      serverUrl: `http://127.0.0.1:${(restorer.#http.address() as AddressInfo).port}`,
      ...{ token: 'once', name: 'target', listenHost: '127.0.0.1' },
      stateFolder: join(restorer.folder, 'state'),
      disks: [{ diskId: restorer.diskId, path: restorer.image, sizeBytes }],
    };
    await writeFile(join(restorer.folder, 'restorer.json'), JSON.stringify(config));
    return restorer;
  }

  get image(): string {
    return join(this.folder, 'sda.img');
  }

  /** Where its servers start. */
  get startFolder(): string {
    return join(this.folder, 'state', 'starting');
  }

  /** Starts the program, and waits until it has said hello. */
  async start(): Promise<void> {
    const before = this.hellos.length;
    const given = ['landfall-restorer.mjs', 'run', '--config', 'restorer.json', '--log-file'];
    this.#process = spawn(process.execPath, given, { cwd: this.folder, stdio: 'ignore' });
    await untilThere('the restorer to say hello', () => (this.hellos.length > before ? true : undefined));
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<void> {
    const killed = this.#process;
    if (killed === null) return;
    this.#process = null;
    killed.kill('SIGKILL');
    await once(killed, 'close');
  }

  want(assignment: Assignment): void {
    this.#wanted = assignment;
    this.#link.assign(this.#endpoint.endpointId, assignment);
  }

  async report<K extends EndpointReport['kind']>(kind: K, assignmentId: string): Promise<ReportOf<K>> {
    return untilThere(`${kind} of ${assignmentId}`, () =>
      this.reports.find(
        (report): report is ReportOf<K> =>
          report.kind === kind && 'assignmentId' in report && report.assignmentId === assignmentId,
      ),
    );
  }

  /** The nbdkits of the running restorer. */
  async servers(): Promise<number[]> {
    const pid = this.#process?.pid ?? 0;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return children
      .trim()
      .split(' ')
      .filter((child) => child !== '')
      .map(Number);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#link.close();
    await new Promise((resolve) => this.#http.close(resolve));
    await rm(this.folder, { recursive: true });
  }
}
