import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { startEventStoreNode } from './event-store-node.js';

const HELP = `The embedded event node: one process that speaks EventStoreDB's gRPC protocol.

It is for one machine, for tests and for evaluation. It is not EventStoreDB: no cluster, no TLS, no users, no
projections, no HTTP interface. It listens on 127.0.0.1 only and trusts everybody who can connect.

  --data DIR         folder of the data (required); created when missing, one node at a time
  --port N           TCP port, 0 takes a free one (default 2113)
  --port-file FILE   write the port here when the node is ready
  --abort-slow       drop live subscribers that do not keep up, as servers before version 24 do
  --help             this text

Connect with  esdb://127.0.0.1:PORT?tls=false
SIGTERM and SIGINT end it in order.
`;

/**
 * The node makes many short-lived objects and keeps few. Left alone, V8 answers with a large nursery and parallel
 * collectors; this way the process stays below 200 MB under load, at the same speed.
 */
function keepMemorySmall(): void {
  setFlagsFromString('--single-threaded-gc');
  setFlagsFromString('--max-semi-space-size=4');
  setFlagsFromString('--semi-space-growth-factor=1');
}

function say(event: string, fields: Readonly<Record<string, string | number>> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

/** Readers never see half a number: the file appears with its content. */
function writeAtomically(file: string, content: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}

async function main(): Promise<void> {
  keepMemorySmall();
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      port: { type: 'string', default: '2113' },
      'port-file': { type: 'string' },
      'abort-slow': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const port = Number(values.port);
  if (values.data === undefined) throw new Error('--data is missing; see --help');
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is not a port`);
  const startedMs = Date.now();
  const node = await startEventStoreNode({
    dataFolder: values.data,
    port,
    onFault: (error) => say('fault', { text: error instanceof Error ? error.message : String(error) }),
    slowSubscribers: values['abort-slow'] ? 'abort' : 'fall-behind',
  });
  const stop = (signal: string): void => {
    say('stopping', { signal });
    node.close().then(
      () => {
        say('stopped');
        process.exit(0);
      },
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (values['port-file'] !== undefined) writeAtomically(values['port-file'], `${node.port}\n`);
  say('ready', {
    what: 'embedded event node, one node, loopback only, no TLS, no users',
    port: node.port,
    data: values.data,
    startMs: Date.now() - startedMs,
  });
}

function fail(error: unknown): void {
  process.stderr.write(`event node: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().catch(fail);
