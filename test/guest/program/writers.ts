import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { Random } from '../../simulation/world/random.js';
import { BusyWriter } from '../../fault/tracked-rounds/busy-writer.js';
import type { WriterOrder } from './guest.orders.js';

/** Processes of their own: whoever writes to what is frozen waits in the kernel, with all that waits for it. */
export class Writers {
  private readonly children: ChildProcess[] = [];

  async start(writers: readonly WriterOrder[]): Promise<void> {
    for (const order of writers) {
      const [program = ''] = process.argv.slice(1);
      const child = fork(program, ['writer', JSON.stringify(order)]);
      this.children.push(child);
      await once(child, 'message');
    }
  }

  /** Throws when one of them had ended before. */
  async stop(): Promise<void> {
    for (const child of this.children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('a writer ended by itself');
      const ended = once(child, 'exit');
      child.disconnect();
      const [code] = await ended;
      if (code !== 0) throw new Error(`a writer ended with ${String(code)}`);
    }
  }
}

/** Writes until the parent hangs up. */
export async function runWriter({ disk, seed }: WriterOrder): Promise<void> {
  // It never rests, and an emulated machine has no processor to spare.
  setPriority(constants.priority.PRIORITY_LOW);
  const writer = new BusyWriter(disk, new Random(seed, 'writes'));
  const asked = once(process, 'disconnect');
  await writer.write(3);
  writer.start();
  process.send?.('writing');
  await asked;
  await writer.stop();
}
