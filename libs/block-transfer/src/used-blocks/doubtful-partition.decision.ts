import { MBR_EXTENDED_TYPES, type Disk, type Partition } from '#libs/contracts';

/** Of partitions on dynamic disks of Windows, as `sfdisk` prints them: MBR, GPT. */
const DYNAMIC_TYPES: ReadonlySet<string> = new Set(['42', 'AF9B60A0-1431-4F62-BC68-3311714A69AD']);

/**
 * Why the map of a partition's file system says nothing about the disk, whatever it says itself; or null.
 *
 * Where partitions overlap, one of them calls free what is another's content: all of both is used. An extended
 * partition holds the logical ones, so they overlap it, and not the other way round; a file system found in it is what
 * a partition before has left. A partition of a dynamic disk holds volumes: the first may begin where it does, and go on
 * behind another one.
 */
export function whyDoubtful(partition: Partition, { device, sizeBytes, partitions }: Disk): string | null {
  if (endOf(partition) > sizeBytes) return `it reaches beyond the end of ${device}`;
  if (MBR_EXTENDED_TYPES.has(partition.typeId)) return 'it is an extended partition';
  if (DYNAMIC_TYPES.has(partition.typeId)) return 'it belongs to a dynamic disk of Windows';
  const other = partitions.find((one) => one !== partition && overlaps(one, partition) && !contains(one, partition));
  return other === undefined ? null : `it overlaps ${other.device}`;
}

function overlaps(a: Partition, b: Partition): boolean {
  return a.startBytes < endOf(b) && b.startBytes < endOf(a);
}

/** Whether this is the extended partition that a logical one lies in. */
function contains(outer: Partition, inner: Partition): boolean {
  return MBR_EXTENDED_TYPES.has(outer.typeId) && outer.startBytes < inner.startBytes && endOf(inner) <= endOf(outer);
}

function endOf({ startBytes, sizeBytes }: Partition): number {
  return startBytes + sizeBytes;
}
