import type { EventFormat, TraceField } from './trace-format.parser.js';

/** What a completed request did to a disk. Sectors have 512 bytes, counted from the beginning of the whole disk. */
export type DiskEvent =
  | { readonly kind: 'write'; readonly device: number; readonly sector: number; readonly sectors: number }
  /** The first of the places that a completed request discarded: the driver may have been given several at once. */
  | { readonly kind: 'discard'; readonly device: number; readonly sector: number; readonly sectors: number }
  /** A discard of one place that has begun. */
  | { readonly kind: 'discard-begun'; readonly device: number; readonly sector: number; readonly sectors: number }
  /** A command that was handed to the device as it is, with data, and without a word on what it is about. */
  | { readonly kind: 'raw-command'; readonly device: number }
  | { readonly kind: 'nothing' };

/** Fields that are read of an event, whichever of ours it is. */
export interface BlockEventFields {
  readonly id: number;
  readonly device: TraceField;
  readonly sector: TraceField;
  readonly sectors: TraceField;
  readonly operation: TraceField;
}

const NOTHING: DiskEvent = { kind: 'nothing' };
/** Letters that may stand before the one for the operation: a flush before the data. */
const BEFORE_OPERATION = 'F';
/** Stands for everything that has no letter, such as WRITE_ZEROES, and for commands that are passed through. */
const UNNAMED = 'N';

/** The kernel's place of a request that has none is the greatest number there is (`(sector_t)-1`); no disk comes near. */
const LEAST_SECTOR_OF_NO_DISK = 2 ** 63;

/** Throws an Error when this kernel's event has not the form that is relied on. */
export function blockEventFields({ id, fields }: EventFormat): BlockEventFields {
  const field = (name: string, sizeBytes: number | null): TraceField => {
    const found = fields.get(name);
    if (found === undefined || (sizeBytes !== null && found.sizeBytes !== sizeBytes)) {
      throw new Error(`a block event has no usable field ${name}`);
    }
    return found;
  };
  return {
    id,
    device: field('dev', 4),
    sector: field('sector', 8),
    sectors: field('nr_sector', 4),
    operation: field('rwbs', null),
  };
}

/**
 * What a completed request means for the content of its disk. Only plain reads, and what moved no data, mean nothing:
 * discards, zeroing and operations that this program does not know are writes. A request that failed may have written.
 *
 * Commands passed through (SG_IO, NVMe ioctls) are traced as operation N without a place, whatever they are about: their
 * completions have sector -1 (Linux 4.18 to 6.18, `blk_rq_pos` of a request that nobody gave one), their beginnings 0.
 * Where a kernel should give 0 for both, a WRITE_ZEROES of the disk's first sectors is taken for one, too.
 */
export function readCompletion(event: Uint8Array, fields: BlockEventFields): DiskEvent {
  const { operation, ...place } = readFields(event, fields);
  if (operation === 'R' || place.sectors === 0) return NOTHING;
  const isAnywhere = place.sector === 0 || place.sector >= LEAST_SECTOR_OF_NO_DISK;
  if (operation === UNNAMED && isAnywhere) return { kind: 'raw-command', device: place.device };
  return { kind: operation === 'D' ? 'discard' : 'write', ...place };
}

/** What a request that has begun means: something only if it is a discard, whose places its completion does not name. */
export function readBeginning(event: Uint8Array, fields: BlockEventFields): DiskEvent {
  const { operation, ...place } = readFields(event, fields);
  return operation === 'D' && place.sectors > 0 ? { kind: 'discard-begun', ...place } : NOTHING;
}

/** The number that says which event this is. */
export function typeOf(event: Uint8Array): number {
  return new DataView(event.buffer, event.byteOffset, event.byteLength).getUint16(0, true);
}

function readFields(
  event: Uint8Array,
  fields: BlockEventFields,
): { device: number; sector: number; sectors: number; operation: string } {
  const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
  return {
    device: view.getUint32(fields.device.offsetBytes, true),
    sector: Number(view.getBigUint64(fields.sector.offsetBytes, true)),
    sectors: view.getUint32(fields.sectors.offsetBytes, true),
    operation: operationOf(textAt(event, fields.operation)),
  };
}

function operationOf(letters: string): string {
  const withoutFlush = letters.length > 1 && letters.startsWith(BEFORE_OPERATION) ? letters.slice(1) : letters;
  return withoutFlush.charAt(0);
}

function textAt(event: Uint8Array, { offsetBytes, sizeBytes }: TraceField): string {
  const bytes = event.subarray(offsetBytes, offsetBytes + sizeBytes);
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1');
}
