/** One event of a `text/event-stream`. */
export type ServerSentEvent = { readonly event: string; readonly data: string };

/** A stream that sends a larger event than this is not ours. */
const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024;

/**
 * Splits a `text/event-stream` into its events; pieces may end anywhere. Comments and retry times are dropped.
 *
 * @throws RangeError on an event larger than 8 Mi characters
 */
export async function* serverSentEvents(pieces: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  for await (const piece of pieces) {
    rest = (rest + piece).replace(/\r\n/g, '\n');
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARACTERS) throw new RangeError('an event of the stream is too large');
    for (const block of blocks) {
      const event = eventIn(block);
      if (event !== undefined) yield event;
    }
  }
}

/** @returns undefined for a block without data, which browsers drop, too */
function eventIn(block: string): ServerSentEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^([a-z]+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}
