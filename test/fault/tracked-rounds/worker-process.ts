import type { Disk, EndpointReport, SyncRoundAssignment } from '#libs/contracts';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerNews } from './round-worker.js';

/** Compiled: Node cannot run all of the sources as they are. */
const PROGRAM = fileURLToPath(new URL('../../../dist/test/fault/tracked-rounds/round-worker.js', import.meta.url));
const COMPILED = fileURLToPath(new URL('round-worker.js', import.meta.url));

/** Recordings of the kernel, each in a folder of its own. */
export const INSTANCES = '/sys/kernel/tracing/instances';

/** Takes away what a worker that was killed was recording. */
export async function removeRecording(traceName: string): Promise<void> {
  await rmdir(join(INSTANCES, traceName)).catch(() => undefined);
}

/** The process that works on rounds. */
export class WorkerProcess {
  readonly log: string[] = [];
  private readonly reports: EndpointReport[] = [];
  private onReport: (report: EndpointReport) => void = () => undefined;
  private onEnd: () => void = () => undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (news: WorkerNews) => {
      if ('log' in news) this.log.push(news.log);
      if ('report' in news) {
        this.reports.push(news.report);
        this.onReport(news.report);
      }
      if ('ended' in news) this.onEnd();
    });
    child.once('exit', () => this.onEnd());
  }

  static async start(folder: string, traceName: string, bufferKibPerCpu: number | null): Promise<WorkerProcess> {
    const program = import.meta.url.endsWith('.ts') ? PROGRAM : COMPILED;
    const settings = [folder, traceName, ...(bufferKibPerCpu === null ? [] : [String(bufferKibPerCpu)])];
    const child = fork(program, settings, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    const worker = new WorkerProcess(child);
    await once(child, 'message');
    return worker;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /**
   * Works on one attempt of a round.
   * @param atEstablished called when it begins to read
   * @returns the reports of the attempt; without an end when the process was killed
   */
  async work(
    assignment: SyncRoundAssignment,
    disks: readonly Disk[],
    atEstablished: () => void,
  ): Promise<readonly EndpointReport[]> {
    this.reports.length = 0;
    const ended = new Promise<void>((resolve) => (this.onEnd = resolve));
    this.onReport = (report) => {
      if (report.kind === 'link-established') atEstablished();
    };
    this.child.send({ assignment, disks });
    await ended;
    return [...this.reports];
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
