import { Pool } from '../pool.js';
import { alignedSlots } from '../source/aligned-buffer.js';
import { RUN_BYTES } from './block-plan.js';

/**
 * What rounds read into, buffers of 2 MiB: in the middle of a round, two or three are being read, one is digested, and
 * the others are on their way on two connections. They bound the memory of a machine's rounds and all that is in
 * flight, however many disks share them.
 */
const BUFFERS = 7;

export type RoundBuffers = Pool<Uint8Array>;

/** One set; disks that are worked on at the same time may share it. */
export const roundBuffers = (): RoundBuffers => new Pool(alignedSlots(BUFFERS, RUN_BYTES));
