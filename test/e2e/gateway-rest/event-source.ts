/** One event of a stream, its data parsed. */
export interface ReceivedEvent {
  readonly event: string;
  readonly data: unknown;
}

export interface EventSource {
  readonly response: Response;
  /** What came so far. */
  readonly events: readonly ReceivedEvent[];
  /** Fulfilled when the other side has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Follows a `text/event-stream`; an answer that is none has no events. */
export const openEventSource = async (url: string, key: string): Promise<EventSource> => {
  const controller = new AbortController();
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${key}` },
    signal: controller.signal,
  });
  const events: ReceivedEvent[] = [];
  const ended = response.ok ? read(response, events) : Promise.resolve();
  // Whoever closes a stream does not wait for its end.
  ended.catch(() => undefined);
  return { response, events, ended, close: () => controller.abort() };
};

const read = async (response: Response, events: ReceivedEvent[]): Promise<void> => {
  let rest = '';
  for await (const piece of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
    }
  }
};
