import { MeasuredProcess } from './measured-process.js';
import { loopbackBytes } from './wire-counter.js';

type Command = readonly [string, ...string[]];

/** One copy: a server at the target's end, and the program at the source's end that does the work. */
export interface Copy {
  readonly server: Command;
  readonly port: number;
  readonly client: Command;
  /** True for a server that ends by itself when the target is written: then that is the end of the copy. */
  readonly serverEndsLast?: boolean;
}

export interface MeasuredCopy {
  /** From the start of the client to the end of the copy. The server is there before. */
  readonly wallMs: number;
  readonly clientCpuSeconds: number;
  readonly serverCpuSeconds: number;
  readonly clientPeakMib: number;
  readonly serverPeakMib: number;
  readonly wireBytes: number;
  readonly stdout: string;
}

/** Runs one copy with a server of its own. Rejects when one of the ends fails. */
export async function measureCopy(folder: string, copy: Copy): Promise<MeasuredCopy> {
  const server = new MeasuredProcess(folder, copy.server);
  try {
    await server.listens(copy.port);
    const wireBefore = await loopbackBytes();
    const startedMs = performance.now();
    const client = await new MeasuredProcess(folder, copy.client).cost();
    if (copy.serverEndsLast === true) await server.cost();
    const wallMs = copy.serverEndsLast === true ? performance.now() - startedMs : client.wallMs;
    const wireBytes = (await loopbackBytes()) - wireBefore;
    const served = await server.stop();
    return {
      wallMs,
      clientCpuSeconds: client.cpuSeconds,
      serverCpuSeconds: served.cpuSeconds,
      clientPeakMib: client.peakRssMib,
      serverPeakMib: served.peakRssMib,
      wireBytes,
      stdout: client.stdout,
    };
  } catch (error) {
    await server.stop().catch(() => undefined);
    throw error;
  }
}
