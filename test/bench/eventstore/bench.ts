/**
 * How fast the embedded event node is, through the client, beside what SQLite alone can do with the same bytes.
 *
 *   npm run bench:eventstore -- [--events 1000000] [--scale 1]
 *
 * With EVENTSTORE_URL it measures that server instead, as far as that goes from outside.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { END, EventStoreDBClient, jsonEvent, START, type JSONEventData } from '@eventstore/db-client';
import { NodeProcess } from '../../contract/event-store/node-process.js';
import { SqliteFloor } from './sqlite-floor.js';

/** What a real 23.10.6 server reached on the same two cores with the same client. */
interface Row {
  readonly what: string;
  readonly measured: string;
  /** Processor time per event of the node and of this process: what is left when the machine is busy with others. */
  readonly processor: string;
  readonly floor: string;
  readonly goal: string;
  readonly realServer: string;
}

const FILLER = 'x'.repeat(330);
let made = 0;
/** About 450 bytes with its metadata. */
const event = (): JSONEventData => {
  made += 1;
  return jsonEvent({
    type: 'Measured',
    data: { number: made, filler: FILLER, at: Date.now() },
    metadata: { $correlationId: 'bench-correlation', $causationId: 'bench-causation' },
  });
};
const batch = (count: number): JSONEventData[] => Array.from({ length: count }, event);

interface Measured {
  readonly perSecond: number;
  readonly processor: string;
}

let measuredNode: NodeProcess | undefined;

async function measure(events: number, work: () => Promise<unknown>): Promise<Measured> {
  const nodeUs = measuredNode?.processorUs;
  const clientUs = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(clientUs);
  const each = (microseconds: number): string => (microseconds / events).toFixed(microseconds / events < 100 ? 1 : 0);
  const node = measuredNode === undefined ? '' : each(measuredNode.processorUs - (nodeUs ?? 0));
  return { perSecond: events / seconds, processor: `${node} / ${each(user + system)} us` };
}

const rate = (value: number): string => `${Math.round(value).toLocaleString('en-US')}/s`;

/** Runs `work` `count` times, `width` at a time. */
async function inFlight(width: number, count: number, work: (lane: number) => Promise<unknown>): Promise<void> {
  let started = 0;
  const lane = async (number: number): Promise<void> => {
    while (started < count) {
      started += 1;
      await work(number);
    }
  };
  await Promise.all(Array.from({ length: width }, (_, number) => lane(number)));
}

async function drain(source: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of source) count += 1;
  return count;
}

async function measureAppends(client: EventStoreDBClient, floor: SqliteFloor, scale: number): Promise<Row[]> {
  const singles = Math.round(2_000 * scale);
  const parallel = Math.round(16_000 * scale);
  const batches = Math.round(600 * scale);
  const warm = async (): Promise<void> => inFlight(4, 200, (lane) => client.appendToStream(`warm-${lane}`, batch(10)));
  await warm();
  const sequence = await measure(singles, () =>
    inFlight(1, singles, () => client.appendToStream('bench-sequence', event())),
  );
  const wide = await measure(parallel, () =>
    inFlight(32, parallel, (lane) => client.appendToStream(`bench-wide-${lane}`, event())),
  );
  const one = await measure(batches * 100, () =>
    inFlight(1, batches, () => client.appendToStream('bench-batches', batch(100))),
  );
  const four = await measure(batches * 100, () =>
    inFlight(4, batches, (lane) => client.appendToStream(`bench-batches-${lane}`, batch(100))),
  );
  return [
    row('single appends in sequence', sequence, floor.rate(singles, 1), '1,000/s', '340-1,170/s'),
    row('single appends, 32 in flight', wide, floor.rate(parallel, 32), '4,000/s', '2,300-3,700/s'),
    row('batches of 100 in sequence', one, floor.rate(batches * 100, 100), '', '14,500/s'),
    row('batches of 100, 4 in flight', four, floor.rate(batches * 100, 400), '30,000/s', '24,800/s'),
  ];
}

const row = (what: string, measured: Measured, floor: number | undefined, goal: string, realServer: string): Row => ({
  what,
  measured: rate(measured.perSecond),
  processor: measured.processor,
  floor: floor === undefined ? '' : rate(floor),
  goal,
  realServer,
});

async function measureReads(client: EventStoreDBClient, floor: SqliteFloor, scale: number): Promise<Row[]> {
  const count = Math.round(60_000 * scale);
  const once = async (source: () => AsyncIterable<unknown>): Promise<Measured> => {
    const found = await drain(source());
    return measure(found, () => drain(source()));
  };
  const stream = await once(() => client.readStream('bench-batches', { maxCount: count }));
  const all = await once(() => client.readAll({ maxCount: count }));
  return [
    row('read of a stream', stream, floor.readRate(count), '40,000/s', '37,000-48,000/s'),
    row('read of $all', all, floor.readRate(count), '40,000/s', '41,000/s'),
  ];
}

const LATENCY_SECONDS = 5;
const EVENTS_PER_TICK = 10;
const TICK_MS = 10;

/** From just before the append to the subscriber's hands, less what the append itself took to be answered. */
async function measureLatency(client: EventStoreDBClient): Promise<Row> {
  const added: number[] = [];
  const answered = new Map<string, number>();
  const arrived = new Map<string, number>();
  const subscription = client.subscribeToStream('bench-latency', { fromRevision: END });
  subscription.on('data', (resolved) => {
    if (resolved.event !== undefined) arrived.set(resolved.event.id, performance.now());
  });
  await new Promise<void>((resolve) => subscription.on('caughtUp', () => resolve()));
  const startedMs = performance.now();
  const appends: Promise<unknown>[] = [];
  for (let tick = 0; tick < (LATENCY_SECONDS * 1000) / TICK_MS; tick += 1) {
    const events = batch(EVENTS_PER_TICK);
    const note = (): void => {
      for (const { id } of events) answered.set(id, performance.now());
    };
    appends.push(client.appendToStream('bench-latency', events).then(note));
    const waitMs = startedMs + (tick + 1) * TICK_MS - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  await Promise.all(appends);
  const limitMs = performance.now() + 5_000;
  while (arrived.size < answered.size && performance.now() < limitMs)
    await new Promise((resolve) => setTimeout(resolve, 5));
  for (const [id, atMs] of answered) added.push(Math.max(0, (arrived.get(id) ?? Infinity) - atMs));
  added.sort((a, b) => a - b);
  await subscription.unsubscribe();
  const at = (part: number): string => `${(added[Math.floor(added.length * part)] ?? NaN).toFixed(1)} ms`;
  return {
    what: 'added latency of a subscriber at 1,000/s, median (99 %)',
    measured: `${at(0.5)} (${at(0.99)})`,
    processor: '',
    floor: '',
    goal: 'under 10 ms',
    realServer: '',
  };
}

async function measureStart(
  folder: string,
  node: NodeProcess,
  events: number,
): Promise<{ rows: Row[]; node: NodeProcess }> {
  const client = EventStoreDBClient.connectionString(node.url);
  const missing = Math.max(0, events - made);
  await inFlight(4, Math.ceil(missing / 500), (lane) => client.appendToStream(`bench-fill-${lane}`, batch(500)));
  const count = made;
  const peak = node.memory('VmHWM');
  await client.dispose();
  await node.kill();
  const again = await NodeProcess.start(folder);
  measuredNode = again;
  const check = EventStoreDBClient.connectionString(again.url);
  const first = await measure(1, () => drain(check.readAll({ fromPosition: START, maxCount: 1 })));
  await check.dispose();
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
  return {
    node: again,
    rows: [
      {
        what: `start after a kill, ${count.toLocaleString('en-US')} events, to the first event read`,
        measured: `${Math.round(again.startMs + 1000 / first.perSecond)} ms`,
        processor: '',
        floor: '',
        goal: 'under 2 s (1,000,000)',
        realServer: '5 s (300,000)',
      },
      {
        what: 'memory, highest of the run (after the start)',
        measured: `${megabytes(peak)} (${megabytes(again.memory('VmRSS'))})`,
        processor: '',
        floor: '',
        goal: 'under 200 MB',
        realServer: '530-660 MB',
      },
    ],
  };
}

function print(rows: readonly Row[]): void {
  const heads: Row = {
    what: '',
    measured: 'measured',
    processor: 'node / client, per event',
    floor: 'SQLite alone',
    goal: 'goal',
    realServer: 'real server',
  };
  const lines = [heads, ...rows].map((line) => [
    line.what,
    line.measured,
    line.processor,
    line.floor,
    line.goal,
    line.realServer,
  ]);
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines) {
    process.stdout.write(`| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`);
    if (line === lines[0]) process.stdout.write(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { events: { type: 'string', default: '1000000' }, scale: { type: 'string', default: '1' } },
  });
  const scale = Number(values.scale);
  const foreign = process.env['EVENTSTORE_URL'];
  const folder = mkdtempSync(join(tmpdir(), 'event-node-bench-'));
  const floor = new SqliteFloor(join(folder, 'floor'), FILLER.length + 120);
  process.stdout.write(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} before\n`);
  let node = foreign === undefined ? await NodeProcess.start(join(folder, 'data')) : undefined;
  measuredNode = node;
  const client = EventStoreDBClient.connectionString(foreign ?? node!.url);
  try {
    const rows = await measureAppends(client, floor, scale);
    rows.push(...(await measureReads(client, floor, scale)), await measureLatency(client));
    await client.dispose();
    if (node !== undefined) {
      const started = await measureStart(join(folder, 'data'), node, Number(values.events));
      node = started.node;
      rows.push(...started.rows);
    }
    print(rows);
  } finally {
    await node?.stop();
    floor.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
process.exit(0);
