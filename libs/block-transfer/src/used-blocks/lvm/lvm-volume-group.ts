import { believe } from '../map-doubt.js';
import { LVM_SECTOR_BYTES } from './lvm-label.parser.js';
import type { LvmSection, LvmValue } from './lvm-text.parser.js';

/** A run of bytes of a logical volume, and where they are. */
export interface LvmSegment {
  /** From the beginning of the volume. */
  readonly startBytes: number;
  readonly lengthBytes: number;
  /** One for a linear segment. */
  readonly stripes: readonly LvmStripe[];
  /** How much goes to a stripe in turn; with one stripe, the whole segment. */
  readonly stripeBytes: number;
}

export interface LvmStripe {
  readonly physicalVolume: string;
  /** From the beginning of that physical volume. */
  readonly startBytes: number;
}

export interface LvmLogicalVolume {
  readonly name: string;
  readonly id: string;
  readonly sizeBytes: number;
  readonly segments: readonly LvmSegment[];
}

/** What a volume group's metadata says of one of its physical volumes. */
export interface LvmVolumeGroup {
  readonly name: string;
  readonly id: string;
  /** Its name within the metadata (`pv0`). */
  readonly physicalVolume: string;
  /** The extents of the physical volume that belong to no logical volume. */
  readonly unallocated: readonly { readonly startBytes: number; readonly lengthBytes: number }[];
  /** Volumes that are what they seem: each byte of theirs is one byte of a physical volume, and nobody else's. */
  readonly plainVolumes: readonly LvmLogicalVolume[];
}

const GROUP_FLAGS = new Set(['RESIZEABLE', 'READ', 'WRITE']);
const PHYSICAL_FLAGS = new Set(['ALLOCATABLE']);
const PLAIN_FLAGS = new Set(['READ', 'WRITE', 'VISIBLE', 'FIXED_MINOR']);

interface PhysicalVolume {
  readonly startBytes: number;
  readonly extents: number;
}

/**
 * Interprets LVM's metadata for one physical volume. Extents of volumes that are not plain (thin pools, snapshots and
 * what they are of, caches, mirrors, RAID, ...) are allocated and no more is known of them. Throws a `MapDoubt` when a
 * segment is of a form that might use extents unseen.
 */
export function interpretLvm(text: LvmSection, physicalVolumeId: string): LvmVolumeGroup {
  const [name, group] = onlySection(text);
  believe(onlyHas(list(group, 'status'), GROUP_FLAGS), `the volume group ${name} is in a state that is not known`);
  const extentBytes = number(group, 'extent_size') * LVM_SECTOR_BYTES;
  believe(extentBytes > 0 && Number.isSafeInteger(extentBytes), `the volume group ${name} has no size of extents`);
  const physical = physicalVolumes(group, extentBytes);
  const own = [...section(group, 'physical_volumes')].find(
    ([, pv]) => isSection(pv) && idOf(pv) === physicalVolumeId,
  )?.[0];
  believe(own !== undefined, `the metadata of the volume group ${name} does not know the physical volume`);
  const { startBytes, extents } = known(physical, own);
  const allocated = new Uint8Array(extents);
  const volumes = group.has('logical_volumes') ? sectionsOf(section(group, 'logical_volumes')) : [];
  for (const [, volume] of volumes) markAllocated(volume, own, allocated);
  const named = namesUsed(volumes);
  return {
    ...{ name, id: idOf(group), physicalVolume: own },
    unallocated: runsOfZero(allocated).map(({ first, count }) => ({
      startBytes: startBytes + first * extentBytes,
      lengthBytes: count * extentBytes,
    })),
    plainVolumes: volumes.flatMap(([volumeName, volume]) =>
      named.has(volumeName) ? [] : plainVolume(volumeName, volume, physical, extentBytes),
    ),
  };
}

function physicalVolumes(group: LvmSection, extentBytes: number): Map<string, PhysicalVolume> {
  const all = new Map<string, PhysicalVolume>();
  for (const [name, pv] of sectionsOf(section(group, 'physical_volumes'))) {
    believe(onlyHas(list(pv, 'status'), PHYSICAL_FLAGS), `the physical volume ${name} is in a state that is not known`);
    const startBytes = number(pv, 'pe_start') * LVM_SECTOR_BYTES;
    const extents = number(pv, 'pe_count');
    believe(Number.isSafeInteger(startBytes + extents * extentBytes), `the physical volume ${name} is too large`);
    all.set(name, { startBytes, extents });
  }
  return all;
}

/** Every list of a segment in which a physical volume is followed by a number is a list of its areas. */
function markAllocated(volume: LvmSection, own: string, allocated: Uint8Array): void {
  for (const segment of segmentsOf(volume)) {
    for (const [key, value] of segment) {
      if (isSection(value) || typeof value !== 'object') continue;
      for (let index = 0; index < value.length; index += 1) {
        if (value[index] !== own) continue;
        const first = value[index + 1];
        believe(typeof first === 'number', `LVM's "${key}" cannot be understood`);
        // The whole length, although a stripe has a part of it: more is safe, and areas of RAID differ.
        const most = Math.min(first + areaExtents(segment), allocated.length);
        believe(first >= 0 && first < allocated.length, 'a segment of LVM is outside of its physical volume');
        allocated.fill(1, first, most);
      }
    }
  }
}

function areaExtents(segment: LvmSection): number {
  const extents = number(segment, 'extent_count');
  const stripes = segment.get('stripe_count');
  const isPlain = segment.get('type') === 'striped' && typeof stripes === 'number' && stripes > 0;
  return isPlain ? Math.ceil(extents / stripes) : extents;
}

function plainVolume(
  name: string,
  volume: LvmSection,
  physical: ReadonlyMap<string, PhysicalVolume>,
  extentBytes: number,
): LvmLogicalVolume[] {
  const flags = list(volume, 'status');
  if (!flags.includes('VISIBLE') || !onlyHas(flags, PLAIN_FLAGS)) return [];
  const segments: LvmSegment[] = [];
  let end = 0;
  const inOrder = segmentsOf(volume).toSorted((a, b) => number(a, 'start_extent') - number(b, 'start_extent'));
  for (const segment of inOrder) {
    const plain = plainSegment(segment, physical, extentBytes);
    if (plain === null) return [];
    believe(plain.startBytes === end, `the segments of ${name} do not follow each other`);
    end += plain.lengthBytes;
    segments.push(plain);
  }
  return end === 0 ? [] : [{ name, id: idOf(volume), sizeBytes: end, segments }];
}

function plainSegment(
  segment: LvmSection,
  physical: ReadonlyMap<string, PhysicalVolume>,
  extentBytes: number,
): LvmSegment | null {
  if (segment.get('type') !== 'striped') return null;
  const areas = list(segment, 'stripes');
  const count = number(segment, 'stripe_count');
  const lengthBytes = number(segment, 'extent_count') * extentBytes;
  believe(count > 0 && areas.length === 2 * count, 'the stripes of LVM cannot be understood');
  const stripeBytes = count === 1 ? lengthBytes : number(segment, 'stripe_size') * LVM_SECTOR_BYTES;
  believe(stripeBytes > 0 && lengthBytes % (stripeBytes * count) === 0, 'the stripes of LVM are not even');
  const stripes: LvmStripe[] = [];
  for (let index = 0; index < areas.length; index += 2) {
    const [name, first] = [areas[index], areas[index + 1]];
    if (typeof name !== 'string' || typeof first !== 'number') return null;
    const place = physical.get(name);
    // An area of another logical volume: a hidden layer.
    if (place === undefined) return null;
    const fits = first >= 0 && first * extentBytes + lengthBytes / count <= place.extents * extentBytes;
    believe(fits, 'a segment of LVM is outside of its physical volume');
    stripes.push({ physicalVolume: name, startBytes: place.startBytes + first * extentBytes });
  }
  return { startBytes: number(segment, 'start_extent') * extentBytes, lengthBytes, stripes, stripeBytes };
}

/** All texts in all segments: volumes that another one builds on, or takes its content from, are named there. */
function namesUsed(volumes: readonly (readonly [string, LvmSection])[]): ReadonlySet<string> {
  const names = volumes
    .flatMap(([, volume]) => segmentsOf(volume))
    .flatMap((segment) => [...segment.values()])
    .flatMap((value) => (isSection(value) ? [] : [value].flat()))
    .filter((value) => typeof value === 'string');
  return new Set(names);
}

function segmentsOf(volume: LvmSection): LvmSection[] {
  const segments = sectionsOf(volume).flatMap(([name, value]) => (/^segment\d+$/.test(name) ? [value] : []));
  believe(segments.length === number(volume, 'segment_count'), 'a segment of LVM is missing');
  return segments;
}

function runsOfZero(flags: Uint8Array): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (let first = flags.indexOf(0); first !== -1;) {
    const next = flags.indexOf(1, first);
    const end = next === -1 ? flags.length : next;
    runs.push({ first, count: end - first });
    first = flags.indexOf(0, end);
  }
  return runs;
}

function known(physical: ReadonlyMap<string, PhysicalVolume>, name: string): PhysicalVolume {
  const found = physical.get(name);
  believe(found !== undefined, `LVM does not describe ${name}`);
  return found;
}

function onlySection(text: LvmSection): readonly [string, LvmSection] {
  const sections = sectionsOf(text);
  const [first] = sections;
  believe(first !== undefined && sections.length === 1, 'the metadata of LVM does not describe one volume group');
  return first;
}

function isSection(value: LvmValue | LvmSection): value is LvmSection {
  return value instanceof Map;
}

function sectionsOf(parent: LvmSection): [string, LvmSection][] {
  return [...parent].flatMap(([name, value]) => (isSection(value) ? [[name, value] as [string, LvmSection]] : []));
}

function section(parent: LvmSection, name: string): LvmSection {
  const value = parent.get(name);
  believe(value !== undefined && isSection(value), `LVM states no "${name}"`);
  return value;
}

function number(parent: LvmSection, name: string): number {
  const value = parent.get(name);
  believe(typeof value === 'number' && Number.isSafeInteger(value) && value >= 0, `LVM states no number "${name}"`);
  return value;
}

function list(parent: LvmSection, name: string): readonly (string | number)[] {
  const value = parent.get(name);
  believe(value !== undefined && !isSection(value), `LVM states no "${name}"`);
  return [value].flat();
}

function idOf(parent: LvmSection): string {
  const id = parent.get('id');
  believe(typeof id === 'string', 'LVM states no id');
  return id.replaceAll('-', '');
}

function onlyHas(flags: readonly (string | number)[], allowed: ReadonlySet<string | number>): boolean {
  return flags.every((flag) => allowed.has(flag));
}
