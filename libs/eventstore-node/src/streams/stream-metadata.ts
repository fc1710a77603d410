/** What the metadata of a stream says about which of its events can be read. */
export interface StreamMetadata {
  /** Only the newest so many events are readable. */
  readonly maxCount?: number;
  /** Only events younger than this are readable, in milliseconds. */
  readonly maxAgeMs?: number;
  /** Events below this revision are not readable; `SOFT_DELETED` hides them all. */
  readonly truncateBefore?: number;
}

/** `$tb` of a soft-deleted stream: 2^63-1 in JSON, rounded to infinity here. */
export const SOFT_DELETED = Number.POSITIVE_INFINITY;

/** The exact text a soft delete writes; the number is beyond what `JSON.stringify` can write. */
export const SOFT_DELETE_METADATA = '{"$tb":9223372036854775807}';

export const NO_METADATA: StreamMetadata = {};

/** A metastream keeps its newest event only, whatever its own metadata says. */
export const METASTREAM_METADATA: StreamMetadata = { maxCount: 1 };

const SOFT_DELETE_FROM = 9.2e18;

const positiveInteger = (value: unknown): number | undefined => {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0)
    throw new RangeError('not a positive integer');
  return value;
};

const truncation = (value: unknown): number | undefined => {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw new RangeError('not a revision');
  return value >= SOFT_DELETE_FROM ? SOFT_DELETED : value;
};

/**
 * Reads the metadata of a stream from the newest event of its metastream.
 * Metadata that cannot be read counts as none: a broken document must not hide or lose events.
 */
export function parseStreamMetadata(data: Uint8Array): StreamMetadata {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return NO_METADATA;
    const fields = new Map<string, unknown>(Object.entries(parsed));
    const maxCount = positiveInteger(fields.get('$maxCount'));
    const maxAgeSeconds = positiveInteger(fields.get('$maxAge'));
    const truncateBefore = truncation(fields.get('$tb'));
    return {
      ...(maxCount !== undefined && { maxCount }),
      ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1000 }),
      ...(truncateBefore !== undefined && { truncateBefore }),
    };
  } catch {
    return NO_METADATA;
  }
}

/**
 * The metadata of a stream that is written to again after a soft delete: everything it said, but its events are
 * readable from `revision` on. Other numbers keep their digits.
 */
export function metadataWithTruncation(data: Uint8Array | undefined, revision: number): string {
  const kept: Record<string, unknown> = {};
  try {
    const parsed: unknown = data === undefined ? {} : JSON.parse(Buffer.from(data).toString('utf8'), keepDigits);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) Object.assign(kept, parsed);
  } catch {
    // Unreadable metadata said nothing, so there is nothing to keep.
  }
  return JSON.stringify({ ...kept, $tb: revision });
}

interface RawJson {
  rawJSON(source: string): unknown;
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
  return (JSON as unknown as RawJson).rawJSON(context.source);
}

export const isSoftDeleted = (metadata: StreamMetadata): boolean => metadata.truncateBefore === SOFT_DELETED;
