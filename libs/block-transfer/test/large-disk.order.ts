import { open } from 'node:fs/promises';
import type { ByteRange } from '#libs/contracts';

/** Blocks at the beginning of each GiB but the first, of which a killed process has forgotten the digests. */
export const FORGOTTEN_PER_GIB = 256;

/** What the process with a large disk is told. */
export interface LargeDiskOrder {
  readonly diskBytes: number;
  readonly source: string;
  readonly target: string;
  readonly tableFile: string;
  readonly used: readonly ByteRange[];
}

/** And what it found. */
export interface LargeDiskReport {
  /** Of a full round, of one after an interruption, and of one after a repair. */
  readonly rootDigests: readonly string[];
  readonly sentBytes: readonly number[];
  readonly repairedBytes: number;
  /** The most memory that it ever had. */
  readonly peakBytes: number;
}

/** The first block of the source is another one now. */
export async function changeSource(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write('changed', 0);
  await file.close();
}
