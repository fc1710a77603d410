/** Where a field lies in the data of an event. */
export interface TraceField {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface EventFormat {
  /** In the first two bytes of every event's data. */
  readonly id: number;
  readonly fields: ReadonlyMap<string, TraceField>;
}

/** How the kernel hands out its ring buffer: pages with a header before the events. */
export interface PageLayout {
  readonly pageBytes: number;
  /** The word whose lower bits say how many bytes of events follow. */
  readonly commitOffsetBytes: number;
  readonly dataOffsetBytes: number;
}

const FIELD = /^\s*field:\s*(?:.*\s)?\*?(\w+)(?:\[\d*\])?;\s*offset:(\d+);\s*size:(\d+);/;
/** The page header as this parser reads it: of a 64-bit kernel. */
const COMMIT_BYTES = 8;

/** Reads a `format` file of tracefs. Throws an Error when it has no id. */
export function parseEventFormat(text: string): EventFormat {
  const id = /^ID:\s*(\d+)$/m.exec(text)?.[1];
  if (id === undefined) throw new Error('an event format without an id');
  return { id: Number(id), fields: fieldsIn(text) };
}

/** Reads `events/header_page` of tracefs. Throws an Error when the kernel is not one of 64 bits. */
export function parsePageLayout(text: string): PageLayout {
  const fields = fieldsIn(text);
  const commit = fields.get('commit');
  const data = fields.get('data');
  if (commit?.sizeBytes !== COMMIT_BYTES || data === undefined) throw new Error('a page header of an unknown form');
  return {
    pageBytes: data.offsetBytes + data.sizeBytes,
    commitOffsetBytes: commit.offsetBytes,
    dataOffsetBytes: data.offsetBytes,
  };
}

function fieldsIn(text: string): Map<string, TraceField> {
  const fields = new Map<string, TraceField>();
  for (const line of text.split('\n')) {
    const [, name, offset, size] = FIELD.exec(line) ?? [];
    if (name !== undefined) fields.set(name, { offsetBytes: Number(offset), sizeBytes: Number(size) });
  }
  return fields;
}
