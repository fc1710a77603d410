import { Random } from './random.js';

/** Streams of chance by their purpose, all of one seed. */
export const randomOf =
  (seed: number) =>
  (purpose: string): Random =>
    new Random(seed, purpose);
