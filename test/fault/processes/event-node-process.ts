import { join } from 'node:path';
import { EVENT_NODE_ENTRY } from '#libs/local-stack';
import { EventStoreDb } from '#libs/eventstore';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { freePorts } from './free-ports.js';
import { ProgramProcess } from './program-process.js';

const ROOT = join(import.meta.dirname, '../../..');
const READY_WITHIN_MS = 30_000;

/** The embedded event node as a process that can be killed and is found at the same address when it is back. */
export class EventNodeProcess {
  private constructor(
    readonly url: string,
    private readonly program: ProgramProcess,
  ) {}

  static async start(folder: string): Promise<EventNodeProcess> {
    const [port] = await freePorts(1);
    const args = [join(ROOT, EVENT_NODE_ENTRY), '--data', join(folder, 'events'), '--port', String(port)];
    const node = new EventNodeProcess(
      `esdb://127.0.0.1:${port}?tls=false`,
      new ProgramProcess({ name: 'event-node', args, folder }),
    );
    await node.startAgain();
    return node;
  }

  async kill(): Promise<void> {
    await this.program.kill();
  }

  /** @throws with its last words when it does not answer within 30 s */
  async startAgain(): Promise<void> {
    await this.program.start();
    const ask = async (): Promise<true | undefined> => {
      if (!this.program.isRunning) throw new Error(await this.program.lastWords());
      const store = new EventStoreDb(this.url);
      return store
        .readStream('nothing-yet')
        .then(
          () => true as const,
          () => undefined,
        )
        .finally(() => store.close());
    };
    await waitFor('the event node to answer', ask, { boundMs: READY_WITHIN_MS });
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}
