import { alignedSlots } from '../source/aligned-buffer.js';
import { RUN_BYTES } from './block-plan.js';
import { Pool } from './pool.js';

/**
 * What rounds read into: buffers of 1 MiB, four being read, eight in flight on two connections, one being digested.
 * They bound the memory of a machine's rounds and all that is in flight, however many disks share them.
 */
const BUFFERS = 13;

export type RoundBuffers = Pool<Uint8Array>;

/** One set; disks that are worked on at the same time may share it. */
export const roundBuffers = (): RoundBuffers => new Pool(alignedSlots(BUFFERS, RUN_BYTES));
