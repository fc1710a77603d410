import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../run-folder/clean-up-run.js';
import {
  type BlockComparison,
  type FileSystemCheck,
  type TreeComparison,
  checkFileSystem,
  compareTrees,
  compareUsedBlocks,
  openTargetDisk,
  usedBlocksOfExt4,
} from '../target-check/index.js';
import type { DemoContext } from './demo-context.js';
import type { MigrationSetting } from './migration-setting.js';

export type TargetCheck = {
  readonly imagePath: string;
  readonly fileSystem: FileSystemCheck;
  readonly trees: TreeComparison;
  readonly blocks: BlockComparison;
};

export const isCheckPassed = ({ fileSystem, trees, blocks }: TargetCheck): boolean =>
  fileSystem.isClean && trees.isEqual && blocks.isEqual;

/** Where the local-process driver keeps a target's disk. */
export const targetImagePath = (runFolder: string, targetVmId: string, diskId: string): string =>
  join(runFolder, SERVER_FOLDER, TARGET_VMS_FOLDER, targetVmId, 'disks', `${encodeURIComponent(diskId)}.img`);

/** Looks at the target with the operating system's own tools; nothing of the migration's is used. */
export async function checkTarget(
  context: DemoContext,
  { source, diskId }: MigrationSetting,
  targetVmId: string,
): Promise<TargetCheck> {
  const imagePath = targetImagePath(context.folder, targetVmId, diskId);
  return context.log.step(
    'Independent check',
    async () => {
      const mountPoint = join(context.folder, 'target');
      const target = await openTargetDisk(imagePath);
      try {
        const fileSystem = await checkFileSystem(target.partitionDevice);
        await target.mount(mountPoint);
        const trees = await compareTrees(source.mountPoint, mountPoint);
        const used = await usedBlocksOfExt4(source.partitionDevice);
        return { imagePath, fileSystem, trees, blocks: await compareUsedBlocks(source.device, imagePath, used) };
      } finally {
        await target.close();
        await rm(mountPoint, { recursive: true, force: true });
      }
    },
    ({ fileSystem, trees, blocks }) =>
      `e2fsck ${fileSystem.isClean ? 'clean' : 'FOUND FAULTS'}, ${trees.files} files ` +
      `${trees.isEqual ? 'equal' : 'DIFFERENT'}, used blocks ${blocks.isEqual ? 'identical' : 'DIFFERENT'}`,
  );
}
