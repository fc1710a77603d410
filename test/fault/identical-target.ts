import { expect } from 'vitest';
import { compareUsedBlocks, usedBlocksOfExt4 } from '../../infra/demo/target-check/index.js';
import type { SourceMachine } from '../e2e/migration/source-machine.js';
import { targetImageOf } from '../e2e/migration/target-disk.js';

const LEAST_USED_BYTES = 64 * 1024 * 1024;

/** Every used block of the source, which is at rest, is on the target's disk. */
export async function expectIdenticalTarget(
  folder: string,
  { disk, diskId }: SourceMachine,
  targetVmId: string,
): Promise<void> {
  const used = await usedBlocksOfExt4(disk.partitionDevice);
  const blocks = await compareUsedBlocks(disk.device, targetImageOf(folder, targetVmId, diskId), used);
  expect(blocks).toMatchObject({ isEqual: true, differing: [] });
  expect(blocks.comparedBytes).toBeGreaterThan(LEAST_USED_BYTES);
}
