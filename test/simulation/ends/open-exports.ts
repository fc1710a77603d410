import type { Lifetime } from '../world/lifetime.js';
import type { Connection } from '../world/network.js';
import type { Random } from '../world/random.js';
import type { NumberedAnswer, NumberedRequest } from './data-request.js';
import type { TargetDisk } from './target-disk.js';

/** What a target disk takes for a request. */
const DISK_MS: readonly [number, number] = [0, 8];

/** One nbdkit: serves one disk for one attempt of a round, and dies with its restorer. */
export class DiskExport {
  writtenBlocks = 0;
  readonly #connections = new Set<Connection>();

  constructor(
    readonly port: number,
    readonly disk: TargetDisk,
    readonly life: Lifetime,
    private readonly random: Random,
  ) {
    // A process that is gone takes nothing more, whatever is still on its way to it.
    life.onEnd(() => {
      for (const connection of this.#connections) connection.close('server');
    });
  }

  get isOpen(): boolean {
    return !this.life.isOver;
  }

  /** Only this disk's server ends, as by a fault of its own. */
  die(): void {
    this.life.end();
  }

  take(connection: Connection): void {
    this.#connections.add(connection);
    connection.listen(
      'server',
      (message) => {
        const { number, request } = message as NumberedRequest;
        this.life.after(this.random.integer(...DISK_MS), () => {
          const content = request.kind === 'read' ? this.disk.read(request.block) : null;
          if (request.kind === 'flush') this.disk.flush();
          if (request.kind === 'write') {
            this.disk.write(request.block, request.content);
            this.writtenBlocks += 1;
          }
          connection.send('server', { number, content } satisfies NumberedAnswer);
        });
      },
      () => this.#connections.delete(connection),
    );
  }

  /** The machine has no power: nobody is told anything. */
  vanish(): void {
    for (const connection of this.#connections) connection.vanish('server');
  }
}

/** Which ports are served, over all targets. */
export class OpenExports {
  readonly #exports = new Map<number, DiskExport>();
  #ports = 10_000;

  serve(disk: TargetDisk, life: Lifetime, random: Random): DiskExport {
    const port = (this.#ports += 1);
    const opened = new DiskExport(port, disk, life.part(), random);
    this.#exports.set(port, opened);
    return opened;
  }

  at(port: number): DiskExport | null {
    const found = this.#exports.get(port);
    return found?.isOpen === true ? found : null;
  }

  get open(): readonly DiskExport[] {
    return [...this.#exports.values()].filter((served) => served.isOpen);
  }
}
