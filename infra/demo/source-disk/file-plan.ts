import { type RandomNumbers, randomNumbers, shuffled } from './seeded-random.js';

export type PlannedFile = {
  /** Relative to the file system's root. */
  readonly path: string;
  readonly sizeBytes: number;
};

const FOLDERS = 24;
/** No file is larger than this part of the whole, so that none dominates. */
const LARGEST_PART = 1 / 24;
/** Spread of the sizes: most files are small, most bytes are in large ones, as on any machine. */
const SPREAD = 2;
const EMPTY_EVERY = 97;
/** Names that a careless program stumbles over. */
const NAMES: readonly ((number: number) => string)[] = [
  (number) => `document-${number}.bin`,
  (number) => `report ${number}.dat`,
  (number) => `übersicht-${number}.txt`,
  (number) => `.hidden-${number}`,
  (number) => `数据-${number}.log`,
];

/**
 * What a source disk holds: `fileCount` files of very different sizes that add up to about `totalBytes`.
 *
 * @param seed the same seed gives the same plan
 */
export function planFiles(seed: string, fileCount: number, totalBytes: number): readonly PlannedFile[] {
  const random = randomNumbers(`plan ${seed}`);
  const weights = Array.from({ length: fileCount }, (_, index) =>
    index % EMPTY_EVERY === EMPTY_EVERY - 1 ? 0 : Math.exp(SPREAD * normal(random)),
  );
  const sizes = scaled(weights, totalBytes);
  return sizes.map((sizeBytes, index) => {
    const folder = Math.floor(random() * FOLDERS);
    const name = NAMES[index % 16 < NAMES.length ? index % 16 : 0]?.(index) ?? `file-${index}`;
    return { path: `data/${String(folder).padStart(2, '0')}/${name}`, sizeBytes };
  });
}

/**
 * Files to take, in an order given by chance, until they hold `totalBytes`.
 *
 * @returns no more files than needed; all of them when they hold less
 */
export function chooseFiles<File extends PlannedFile>(
  files: readonly File[],
  totalBytes: number,
  random: RandomNumbers,
): readonly File[] {
  const chosen: File[] = [];
  let chosenBytes = 0;
  for (const file of shuffled(files, random)) {
    if (chosenBytes >= totalBytes) break;
    if (file.sizeBytes > (totalBytes - chosenBytes) * 2) continue;
    chosen.push(file);
    chosenBytes += file.sizeBytes;
  }
  return chosen;
}

/** Largest files first, each with how many of its first bytes to rewrite, `totalBytes` together. */
export function planRewrite(
  files: readonly PlannedFile[],
  totalBytes: number,
): readonly { readonly path: string; readonly lengthBytes: number }[] {
  const rewrites: { path: string; lengthBytes: number }[] = [];
  let remaining = totalBytes;
  for (const file of [...files].sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1))) {
    if (remaining === 0) break;
    const lengthBytes = Math.min(file.sizeBytes, remaining);
    rewrites.push({ path: file.path, lengthBytes });
    remaining -= lengthBytes;
  }
  return rewrites;
}

/** Sizes in proportion to the weights; what the largest are cut by goes to all others. */
function scaled(weights: readonly number[], totalBytes: number): readonly number[] {
  const largest = totalBytes * LARGEST_PART;
  let sizes = weights.map(() => 0);
  let factor = totalBytes / weights.reduce((sum, weight) => sum + weight, 0);
  // A few steps suffice: each hands out what the cut left over.
  for (let step = 0; step < 8; step += 1) {
    sizes = weights.map((weight) => Math.min(largest, weight * factor));
    const sum = sizes.reduce((total, size) => total + size, 0);
    factor *= totalBytes / sum;
  }
  return sizes.map((size) => Math.floor(size));
}

/** A normally distributed number, by the polar method's plain form. */
function normal(random: RandomNumbers): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
