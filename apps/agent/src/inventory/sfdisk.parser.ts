import * as z from 'zod';
import { unreadableOutput } from './unreadable-output.js';

/** One entry of a partition table; offsets and sizes in bytes from the start of the disk. */
export interface PartitionEntry {
  readonly number: number;
  readonly node: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** GPT type GUID or MBR type byte, as `sfdisk` prints it. */
  readonly typeId: string;
}

const table = z.object({
  partitiontable: z.object({
    unit: z.literal('sectors'),
    sectorsize: z.number().int().positive().optional(),
    partitions: z
      .array(
        z.object({
          node: z.string(),
          start: z.number().int().nonnegative(),
          size: z.number().int().nonnegative(),
          type: z.string(),
        }),
      )
      .default([]),
  }),
});

/**
 * The partitions in what `sfdisk --json DEVICE` printed.
 * @param logicalSectorBytes the unit of the table where `sfdisk` is too old to print it (before util-linux 2.36)
 * @throws InventoryError `TOOL_OUTPUT_UNREADABLE`
 */
export function parseSfdisk(output: string, logicalSectorBytes: number): PartitionEntry[] {
  try {
    const { sectorsize = logicalSectorBytes, partitions } = table.parse(JSON.parse(output)).partitiontable;
    return partitions.map(({ node, start, size, type }) => ({
      number: partitionNumber(node),
      node,
      startBytes: start * sectorsize,
      sizeBytes: size * sectorsize,
      typeId: type,
    }));
  } catch (error) {
    throw unreadableOutput('sfdisk', error);
  }
}

/** The number at the end of a partition's name: `/dev/sda2`, `/dev/nvme0n1p2` and `/dev/mapper/mpatha-part2` are 2. */
export function partitionNumber(node: string): number {
  const digits = /(\d+)$/.exec(node)?.[1];
  if (digits === undefined) throw new Error(`${node} has no partition number`);
  return Number(digits);
}
