import { type Server, type Socket, createServer } from 'node:net';
import { once } from 'node:events';
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';
import { SourceNetwork } from './source-network.js';

/** The tools of the other fault tests: what they cut has to be cut, and nothing else. */
describe("a source machine's network", () => {
  let network: SourceNetwork;
  const open: { close(): void }[] = [];

  beforeEach(async () => {
    network = await SourceNetwork.create();
  });
  afterEach(async () => {
    for (const thing of open.splice(0)) thing.close();
    await network.remove();
  });

  /** A server outside that repeats what it hears. */
  async function echo(): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).pipe(socket);
    }).listen(0, network.hostAddress);
    await once(server, 'listening');
    open.push({
      close: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  /** A program inside that sends a line four times a second and counts what comes back, or says how it ended. */
  function talker(port: number): { readonly heard: () => number; readonly end: () => string | null } {
    const code = `const s=require('net').connect(${port},'${network.hostAddress}');
      s.on('data',d=>process.stdout.write('h'.repeat(d.length)));
      s.on('error',e=>{process.stdout.write('E:'+e.code);process.exit()});
      setInterval(()=>s.write('.'),50);`;
    const [enter, ...args] = [...network.prefix, process.execPath, '-e', code];
    const child: ChildProcess = spawn(enter, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    open.push({ close: () => child.kill('SIGKILL') });
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { heard: () => said.length, end: () => /E:(\w+)/.exec(said)?.[1] ?? null };
  }

  const hears = (talk: ReturnType<typeof talker>): Promise<true> => {
    const before = talk.heard();
    return waitFor('an echo', async () => (talk.heard() > before + 1 ? true : undefined), {
      boundMs: 20_000,
      pollMs: 20,
    });
  };
  const isSilent = async (talk: ReturnType<typeof talker>, other: ReturnType<typeof talker>): Promise<void> => {
    const before = talk.heard();
    // What was on its way may still arrive; then as much time as the other one needs for two more echoes.
    for (let echoes = 0; echoes < 3; echoes += 1) await hears(other);
    const settled = talk.heard();
    expect(settled - before).toBeLessThan(10);
    for (let echoes = 0; echoes < 3; echoes += 1) await hears(other);
    expect(talk.heard()).toBe(settled);
  };

  it('cuts the data path alone, or the control channel alone, and mends both', async () => {
    const [controlPort, dataPort] = [await echo(), await echo()];
    const [control, data] = [talker(controlPort), talker(dataPort)];
    await Promise.all([hears(control), hears(data)]);
    await network.cutDataPath(controlPort, 'silent');
    await isSilent(data, control);
    await network.mend();
    await hears(data);
    await network.cutControlChannel(controlPort, 'silent');
    await isSilent(control, data);
    await network.mend();
    await hears(control);
    expect([control.end(), data.end()]).toEqual([null, null]);
  });

  it('resets connections, and refuses new ones until it is mended', async () => {
    const [controlPort, dataPort] = [await echo(), await echo()];
    const [control, data] = [talker(controlPort), talker(dataPort)];
    await Promise.all([hears(control), hears(data)]);
    await network.cutDataPath(controlPort, 'reset');
    await waitFor('the reset', async () => data.end() ?? undefined, { boundMs: 10_000, pollMs: 20 });
    const refused = talker(dataPort);
    await waitFor('the refusal', async () => refused.end() ?? undefined, { boundMs: 10_000, pollMs: 20 });
    await hears(control);
    await network.mend();
    await hears(talker(dataPort));
  });

  it('can be unplugged, throttled and made to lose packets, and things go on', async () => {
    const port = await echo();
    const talk = talker(port);
    await hears(talk);
    await network.unplug();
    await network.mend();
    await hears(talk);
    await network.throttle(8_000_000);
    await network.losePackets(0.2);
    await hears(talk);
  });
});
