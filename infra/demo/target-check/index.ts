export { checkFileSystem } from './check-file-system.js';
export type { FileSystemCheck } from './check-file-system.js';
export { compareTrees } from './compare-trees.js';
export type { TreeComparison } from './compare-trees.js';
export { compareUsedBlocks } from './compare-used-blocks.js';
export type { BlockComparison } from './compare-used-blocks.js';
export { openTargetDisk } from './open-target-disk.js';
export type { OpenTargetDisk } from './open-target-disk.js';
export { usedBlocksOfExt4 } from './used-blocks-of-ext4.js';
