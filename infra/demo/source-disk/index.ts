export { createSourceDisk } from './create-source-disk.js';
export type { SourceDiskOptions } from './create-source-disk.js';
export type { Mutation, SourceDisk } from './source-disk.js';
