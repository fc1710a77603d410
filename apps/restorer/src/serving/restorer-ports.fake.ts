import { EndpointFailure, type NbdkitOptions, type NbdkitServer, type ServerExit } from '#libs/block-transfer';
import type { EndpointProgress, EndpointReport } from '#libs/contracts';
import type { ReportOutcome } from '#libs/endpoint-link';
import type { RestorerPorts } from './restorer.ports.js';
import type { ServerBytes } from './server-bytes.js';

export const TASK_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001';
export const ROUND_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a003';
export const ASSIGNMENT_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a002';
export const DISKS = ['a', 'b', 'c'].map((diskId) => ({ diskId, sizeBytes: 65_536 }));

/** A target in memory: what is served at the moment, and all that was reported. */
export class FakeTarget {
  readonly reports: EndpointReport[] = [];
  readonly progress: EndpointProgress[] = [];
  /** Paths that are served now, with the way to let their server die. */
  readonly served = new Map<string, (exit: ServerExit) => void>();
  readonly digesting = new Set<string>();
  mostAtOnce = 0;
  unservable: string | null = null;
  /** Paths that an earlier process still serves, and what keeps their servers from ending. */
  readonly leftovers = new Set<string>();
  leftoverFault: Error | null = null;
  /** A key of an earlier process is left where servers start. */
  hasStaleKey = true;
  /** What was kept of the last verification, by disk. */
  readonly groupDigests = new Map<string, Uint8Array>();
  /** What each server was started with. */
  readonly startedWith: NbdkitOptions[] = [];
  /** What the servers have moved, in the order in which they were started. */
  readonly moved: (ServerBytes | null)[] = [];
  /** What waits for its time, with how long it has to. */
  readonly #waiting = new Map<() => void, number>();
  answer: () => Promise<ReportOutcome> = async () => 'acknowledged';
  digest: (path: string, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;
  #nextPort = 20_000;
  #started = 0;
  #identities = 0;

  readonly ports: RestorerPorts = {
    listenHost: '127.0.0.1',
    allowCleartext: false,
    findDisks: (wanted) => wanted.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes, path: `/${diskId}` })),
    endLeftoverServers: async (paths) => {
      if (this.leftoverFault !== null) throw this.leftoverFault;
      for (const path of paths) this.leftovers.delete(path);
    },
    readServerBytes: async (pid) => this.moved[pid] ?? null,
    clearStartFolder: async () => {
      if (this.leftovers.size > 0) throw new Error('a server of an earlier process may just be starting');
      this.hasStaleKey = false;
    },
    makeIdentity: async () => {
      this.#identities += 1;
      return { certificate: `certificate ${this.#identities}`, privateKey: `key ${this.#identities}` };
    },
    startNbdkit: async (options) => this.#serve(options),
    digestDisk: async (path, options) => {
      if (this.leftovers.has(path)) throw new Error(`${path} may still be written`);
      this.digesting.add(path);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.digesting.size);
      try {
        await this.digest(path, options.signal);
      } finally {
        this.digesting.delete(path);
      }
      options.onProgress?.(65_536);
      const groupDigests = new Uint8Array(32).fill(path.charCodeAt(1));
      return {
        ...{ algorithm: options.algorithm, groupDigests },
        rootDigest: Buffer.from(groupDigests.map((byte) => byte ^ 0xff)).toString('hex'),
      };
    },
    groupDigests: {
      keep: async (diskId, digests) => {
        this.groupDigests.set(diskId, digests);
      },
      pathOf: async (diskId) => (this.groupDigests.has(diskId) ? `/groups/${diskId}` : null),
    },
    report: async (report) => {
      this.reports.push(report);
      return this.answer();
    },
    progress: (progress) => this.progress.push(progress),
    scheduler: {
      nowMs: () => 0,
      after: (delayMs, action) => {
        this.#waiting.set(action, delayMs);
        return () => this.#waiting.delete(action);
      },
    },
    now: () => new Date(0),
    log: () => undefined,
  };

  /** Everything that waits comes due. @returns how long it had to wait, in milliseconds */
  passTime(): number[] {
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const [action] of due) action();
    return due.map(([, delayMs]) => delayMs);
  }

  #serve(options: NbdkitOptions): NbdkitServer {
    const { path, host, tls } = options;
    this.startedWith.push(options);
    if (this.hasStaleKey) throw new Error('an old key is left behind');
    if (this.leftovers.has(path)) throw new Error(`${path} may still be written`);
    if (path === this.unservable) throw new EndpointFailure('EXPORT_FAILED', `${path} cannot be served`);
    let die: (exit: ServerExit) => void = () => undefined;
    const exited = new Promise<ServerExit>((resolve) => (die = resolve)).finally(() => this.served.delete(path));
    this.served.set(path, die);
    return {
      export: {
        ...{ host, port: this.#nextPort++, exportName: '' },
        ...(tls === undefined ? {} : { serverCertificate: tls.identity.certificate }),
      },
      pid: this.#started++,
      exited,
      close: async () => {
        die({ code: 0, signal: null, output: '' });
        await exited;
      },
    };
  }
}
