import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, systemErrorCode } from '../endpoint-failure.js';
import { parseEventFormat, parsePageLayout, type PageLayout } from './trace-format.parser.js';
import { TRACE_FS } from './trace-fs.js';
import { parseTracePage } from './trace-page.parser.js';
import { lossIn } from './trace-stats.parser.js';
import { TrackingFailure } from './tracking-failure.js';
import {
  blockEventFields,
  readBeginning,
  readCompletion,
  typeOf,
  type BlockEventFields,
  type DiskEvent,
} from './write-event.decision.js';

const run = promisify(execFile);
/** Everything that ends, except plain reads. */
const COMPLETION = 'block_rq_complete';
/** Discards that begin. A device below others may see theirs as a change of the device only. */
const BEGINNINGS = ['block_bio_queue', 'block_bio_remap'];
const folderOf = (event: string): string => join('events/block', event);
/** Puts a mark on each of these processors, `$3` and on; a process there is proof that no interrupt is. */
const MARK_SCRIPT =
  'mark=$1 file=$2; shift 2; for cpu; do taskset -c "$cpu" sh -c \'printf %s "$1" > "$2"\' sh "$mark" "$file" || exit 1; done';
const MARK_PREFIX = 'landfall mark ';
/** The kernel ends the text with a line break. */
const MARK = /^landfall mark (\d+)\n/;
const MARK_TIMEOUT_MS = 30_000;
/** A processor's buffer is read at most so often over at a time: who writes faster than we read is a loss. */
const MAX_BUFFERS_AT_ONCE = 2;

interface CpuPipe {
  readonly cpu: number;
  readonly file: number;
  /** Events that were read of it; the kernel counts them too. */
  readEvents: number;
  /** Number of the newest mark that was read of it. */
  lastMark: number;
}

interface TraceForm {
  readonly page: PageLayout;
  readonly completion: BlockEventFields;
  readonly beginnings: readonly BlockEventFields[];
  readonly mark: { readonly id: number; readonly textOffsetBytes: number };
}

export interface TraceInstanceOptions {
  readonly name: string;
  /** Device numbers as the kernel writes them: the major number above twenty bits of the minor one. */
  readonly devices: readonly number[];
  readonly bufferKibPerCpu: number;
}

/**
 * A ring buffer of our own in tracefs that records the completed requests of some disks, except plain reads. Nothing
 * else reads it, and what others trace does not touch it. When it is full, new events are dropped and counted.
 */
export class TraceInstance {
  private marks = 0;
  private readonly page: Uint8Array;

  private constructor(
    private readonly folder: string,
    private readonly filters: ReadonlyMap<string, string>,
    private readonly form: TraceForm,
    private readonly pipes: readonly CpuPipe[],
    private readonly maxPages: number,
  ) {
    this.page = new Uint8Array(form.page.pageBytes);
  }

  /**
   * Begins to record; what completes after this has resolved is recorded. An instance of this name that an earlier
   * process left is removed. Throws a TrackingFailure `tracking-unavailable`.
   */
  static async create({ name, devices, bufferKibPerCpu }: TraceInstanceOptions): Promise<TraceInstance> {
    const folder = join(TRACE_FS, 'instances', name);
    const ofDevices = devices.map((device) => `dev == ${device}`).join(' || ');
    const filters = new Map([[COMPLETION, `(${ofDevices}) && !(rwbs ~ "R*")`]]);
    for (const event of BEGINNINGS) filters.set(event, `(${ofDevices}) && (rwbs ~ "*D*")`);
    const pipes: CpuPipe[] = [];
    try {
      if (endianness() !== 'LE') throw new Error('traces are read in little-endian order only');
      await removeInstance(name);
      await mkdir(folder);
      await writeFile(join(folder, 'options/overwrite'), '0');
      await writeFile(join(folder, 'buffer_size_kb'), String(bufferKibPerCpu));
      for (const [event, filter] of filters) await writeFile(join(folder, folderOf(event), 'filter'), filter);
      const form = await readForm(folder);
      for (const cpu of await cpusIn(folder))
        pipes.push({ cpu, file: openPipe(folder, cpu), readEvents: 0, lastMark: 0 });
      const maxPages = Math.ceil((MAX_BUFFERS_AT_ONCE * bufferKibPerCpu * 1024) / form.page.pageBytes);
      const instance = new TraceInstance(folder, filters, form, pipes, maxPages);
      for (const event of [...BEGINNINGS, COMPLETION]) await writeFile(join(folder, folderOf(event), 'enable'), '1');
      return instance;
    } catch (error) {
      for (const { file } of pipes) closeSync(file);
      await removeInstance(name).catch(() => undefined);
      throw new TrackingFailure('tracking-unavailable', `events cannot be traced: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Hands over what was recorded, up to the call at least, unless more comes all the time than can be read.
   * @throws TrackingFailure `events-lost`, `tracking-interrupted`
   */
  drain(onEvent: (event: DiskEvent) => void): void {
    for (const pipe of this.pipes) {
      for (let pages = 0; pages < this.maxPages; pages += 1) {
        const page = this.nextPage(pipe);
        if (page === null) break;
        for (const event of this.eventsOf(page)) {
          pipe.readEvents += 1;
          pipe.lastMark = this.markIn(event) ?? pipe.lastMark;
          const read = this.read(event);
          if (read !== null) onEvent(read);
        }
      }
    }
  }

  /**
   * Everything that completed before the call was recorded, and has been read by now or waits in the buffer.
   * @throws TrackingFailure `events-lost`, `tracking-interrupted`
   */
  verify(): void {
    for (const [event, filter] of this.filters) {
      this.expectText(join(folderOf(event), 'enable'), '1');
      this.expectText(join(folderOf(event), 'filter'), filter);
    }
    this.expectText('tracing_on', '1');
    for (const { cpu, readEvents } of this.pipes) {
      const loss = lossIn(this.text(`per_cpu/cpu${cpu}/stats`), readEvents);
      if (loss !== null) throw new TrackingFailure('events-lost', `processor ${cpu}: ${loss}`);
    }
  }

  /**
   * Reads everything up to a mark that is put on every processor now. An event becomes readable when the code that it
   * interrupted is through with its own event; so what a process may know to be complete need not be readable yet, until
   * that processor has run something else.
   * @throws TrackingFailure
   */
  async drainToMarks(onEvent: (event: DiskEvent) => void): Promise<void> {
    // A full buffer has no room for a mark.
    this.drain(onEvent);
    this.verify();
    this.marks += 1;
    const number = this.marks;
    const online = parseCpuList(this.text('/sys/devices/system/cpu/online'));
    try {
      const file = join(this.folder, 'trace_marker');
      await run('sh', ['-c', MARK_SCRIPT, 'sh', `${MARK_PREFIX}${number}`, file, ...online.map(String)], {
        timeout: MARK_TIMEOUT_MS,
      });
    } catch (error) {
      this.verify();
      const message = `not every processor could be asked: ${reasonOf(error)}`;
      throw new TrackingFailure('tracking-interrupted', message, { cause: error });
    }
    this.drain(onEvent);
    const marked = new Set(this.pipes.filter(({ lastMark }) => lastMark >= number).map(({ cpu }) => cpu));
    const missing = online.filter((cpu) => !marked.has(cpu));
    if (missing.length > 0) throw new TrackingFailure('events-lost', `no mark from processors ${missing.join()}`);
  }

  /** Ends the recording. Never rejects: what cannot be removed is removed by the next process. */
  async close(): Promise<void> {
    for (const { file } of this.pipes) closeSync(file);
    await rmdir(this.folder).catch(() => undefined);
  }

  private nextPage({ cpu, file }: CpuPipe): Uint8Array | null {
    try {
      const bytesRead = readSync(file, this.page, 0, this.page.length, null);
      return bytesRead === 0 ? null : this.page.subarray(0, bytesRead);
    } catch (error) {
      if (systemErrorCode(error) === 'EAGAIN') return null;
      const message = `the trace of processor ${cpu} cannot be read: ${reasonOf(error)}`;
      throw new TrackingFailure('tracking-interrupted', message, { cause: error });
    }
  }

  private eventsOf(bytes: Uint8Array): Uint8Array[] {
    try {
      const { hasMissedEvents, events } = parseTracePage(bytes, this.form.page);
      if (hasMissedEvents) throw new Error('events are missing before a page');
      return events;
    } catch (error) {
      throw new TrackingFailure('events-lost', reasonOf(error), { cause: error });
    }
  }

  private read(event: Uint8Array): DiskEvent | null {
    const { completion, beginnings } = this.form;
    const type = typeOf(event);
    if (type === completion.id) return readCompletion(event, completion);
    const beginning = beginnings.find(({ id }) => id === type);
    return beginning === undefined ? null : readBeginning(event, beginning);
  }

  private markIn(event: Uint8Array): number | null {
    const { id, textOffsetBytes } = this.form.mark;
    if (typeOf(event) !== id) return null;
    const number = MARK.exec(Buffer.from(event.subarray(textOffsetBytes)).toString('latin1'))?.[1];
    return number === undefined ? null : Number(number);
  }

  private expectText(path: string, wanted: string): void {
    const text = this.text(path);
    if (text !== wanted) throw new TrackingFailure('tracking-interrupted', `${path} is ${text}, not ${wanted}`);
  }

  private text(path: string): string {
    try {
      return readFileSync(path.startsWith('/') ? path : join(this.folder, path), 'utf8').trim();
    } catch (error) {
      throw new TrackingFailure('tracking-interrupted', reasonOf(error), { cause: error });
    }
  }
}

async function readForm(folder: string): Promise<TraceForm> {
  const page = parsePageLayout(await readFile(join(TRACE_FS, 'events/header_page'), 'utf8'));
  const print = parseEventFormat(await readFile(join(TRACE_FS, 'events/ftrace/print/format'), 'utf8'));
  const text = print.fields.get('buf');
  if (text === undefined) throw new Error('a marker has no text');
  const fieldsOf = async (event: string): Promise<BlockEventFields> =>
    blockEventFields(parseEventFormat(await readFile(join(folder, folderOf(event), 'format'), 'utf8')));
  return {
    page,
    completion: await fieldsOf(COMPLETION),
    beginnings: await Promise.all(BEGINNINGS.map(fieldsOf)),
    mark: { id: print.id, textOffsetBytes: text.offsetBytes },
  };
}

async function cpusIn(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, 'per_cpu'));
  return names.map((name) => Number(name.slice('cpu'.length))).sort((a, b) => a - b);
}

function openPipe(folder: string, cpu: number): number {
  return openSync(join(folder, `per_cpu/cpu${cpu}/trace_pipe_raw`), constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Takes away the instance of this name; nothing is wrong when there is none. Rejects while somebody reads it. */
export async function removeInstance(name: string): Promise<void> {
  await rmdir(join(TRACE_FS, 'instances', name)).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  });
}

/** The kernel's list of processors, such as `0-3,8`. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    if (first === undefined || last === undefined || Number.isNaN(first + last)) throw new Error(`no list: ${text}`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
