import type { PageLayout } from './trace-format.parser.js';

/** Bit of the commit word: events were overwritten or dropped before this page. */
const MISSED_EVENTS = 2 ** 31;
/** Bit of the commit word: the number of them is stored behind the events. */
const MISSED_STORED = 2 ** 30;

/** Values of an event's `type_len` that are no events; all others give the length of the data. */
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
const LENGTH_IN_DATA = 0;
const WORD_BYTES = 4;

export interface TracePage {
  /** Something was recorded before this page that is not in it nor in any earlier one. */
  readonly hasMissedEvents: boolean;
  /** The data of each event, beginning with its type; views. */
  readonly events: Uint8Array[];
}

/**
 * Takes a page of the kernel's ring buffer apart, as `trace_pipe_raw` gives it (Documentation/trace/ring-buffer-design,
 * `events/header_page` and `events/header_event` of tracefs). Little-endian.
 * Throws an Error when the page is not whole, which is a loss of events.
 */
export function parseTracePage(page: Uint8Array, layout: PageLayout): TracePage {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  if (page.length < layout.dataOffsetBytes) throw new Error('a page of a trace that is too short');
  const commit = view.getUint32(layout.commitOffsetBytes, true);
  const end = layout.dataOffsetBytes + (commit % MISSED_STORED);
  if (end > page.length) throw new Error('a page of a trace that says it is longer than it is');
  const events: Uint8Array[] = [];
  let position = layout.dataOffsetBytes;
  while (position < end) {
    const event = eventAt(view, position, end);
    if (event === null) break;
    if (event.data !== null) events.push(page.subarray(event.data, event.next));
    position = event.next;
  }
  return { hasMissedEvents: commit >= MISSED_EVENTS, events };
}

/** `data`: where its data begins, null for what is no event. Null: the rest of the page is empty. */
function eventAt(view: DataView, position: number, end: number): { data: number | null; next: number } | null {
  const header = wordAt(view, position, end);
  const typeLength = header & 0x1f;
  const first = position + WORD_BYTES;
  if (typeLength === TIME_EXTEND || typeLength === TIME_STAMP) return { data: null, next: first + WORD_BYTES };
  if (typeLength === PADDING && header >>> 5 === 0) return null;
  const isLong = typeLength === LENGTH_IN_DATA || typeLength === PADDING;
  const next = first + (isLong ? wordAt(view, first, end) : typeLength * WORD_BYTES);
  const data = isLong ? first + WORD_BYTES : first;
  if (next > end || next < data) throw new Error('an event of a length that cannot be');
  if (typeLength === PADDING) return { data: null, next };
  return { data, next };
}

function wordAt(view: DataView, position: number, end: number): number {
  if (position + WORD_BYTES > end) throw new Error('a page of a trace that ends in an event');
  return view.getUint32(position, true);
}
