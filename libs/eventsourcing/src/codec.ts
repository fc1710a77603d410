import type * as z from 'zod';
import { PermanentError } from './errors.js';
import type { DomainEvent } from './event.js';

/** One stored version of an event: its schema, and how it becomes the newest shape when it is an old one. */
export interface StoredVersion {
  readonly schema: z.ZodType;
  readonly upcast?: (data: never) => unknown;
}

export interface StoredEvent {
  readonly storedType: string;
  readonly data: unknown;
}

/**
 * Translates between events in code and events in the store. Stored names are explicit and versioned
 * (`transfer.sync-round-started.v1`); data is checked on write and on read.
 */
export interface EventCodec<E extends DomainEvent> {
  readonly storedTypes: readonly string[];
  encode(event: E): StoredEvent;
  /** @returns null for a type that this codec does not know, such as another aggregate's. */
  decode(stored: StoredEvent): E | null;
  /** The schema of a stored type, for documentation; null for one that this codec does not know. */
  schemaOf(storedType: string): z.ZodType | null;
}

type EventTable<E extends DomainEvent> = {
  readonly [Type in E['type']]: {
    /** Newest version; what is written. */
    readonly stored: `${string}.${string}.v${number}`;
    readonly schema: z.ZodType<Extract<E, { type: Type }>['data']>;
    /** Older stored versions by name, with a pure upcaster to the newest shape. */
    readonly older?: Readonly<Record<string, StoredVersion>>;
  };
};

/** @throws PermanentError on encode or decode when data does not match the schema of its stored version. */
export const defineCodec = <E extends DomainEvent>(table: EventTable<E>): EventCodec<E> => {
  const readers = new Map<string, (data: unknown) => E>();
  const schemas = new Map<string, z.ZodType>();
  for (const type of Object.keys(table) as E['type'][]) {
    const entry = table[type];
    schemas.set(entry.stored, entry.schema);
    readers.set(entry.stored, (data) => ({ type, data: parse(entry.stored, entry.schema, data) }) as unknown as E);
    for (const [name, older] of Object.entries(entry.older ?? {})) {
      schemas.set(name, older.schema);
      readers.set(name, (data) => {
        const upcast = older.upcast ?? ((same: unknown) => same);
        return { type, data: upcast(parse(name, older.schema, data) as never) } as unknown as E;
      });
    }
  }
  return {
    storedTypes: [...readers.keys()],
    encode: (event) => {
      const entry = table[event.type as E['type']];
      return { storedType: entry.stored, data: parse(entry.stored, entry.schema, event.data) };
    },
    decode: (stored) => readers.get(stored.storedType)?.(stored.data) ?? null,
    schemaOf: (storedType) => schemas.get(storedType) ?? null,
  };
};

const parse = (name: string, schema: z.ZodType, data: unknown): unknown => {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new PermanentError(`Event ${name} does not match its schema: ${result.error.message}`);
};
