import { createHash } from 'node:crypto';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One entry of a tree: everything by which two entries of the same path could differ. */
type TreeEntry = Readonly<Record<string, string>>;

export type TreeComparison = {
  readonly isEqual: boolean;
  /** Ordinary files of the source tree. */
  readonly files: number;
  /** Their content together. */
  readonly bytes: number;
  /** One line each, the first {@link MAX_DIFFERENCES} of them. */
  readonly differences: readonly string[];
};

const MAX_DIFFERENCES = 20;
const PARALLEL_FILES = 4;
const READ_BYTES = 1024 * 1024;

/**
 * Compares two trees entry by entry: kind, rights, owner, time of modification, link targets and number of links,
 * and of each file the size and the SHA-256 of its content.
 *
 * @throws the file system's errors, when something cannot be read
 */
export async function compareTrees(sourceRoot: string, targetRoot: string): Promise<TreeComparison> {
  const [source, target] = await Promise.all([entriesOf(sourceRoot), entriesOf(targetRoot)]);
  const differences = differencesOf(source, target);
  const sizes = [...source.values()].flatMap((entry) => (entry['bytes'] === undefined ? [] : [Number(entry['bytes'])]));
  return {
    isEqual: differences.length === 0,
    files: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    differences: differences.slice(0, MAX_DIFFERENCES),
  };
}

/** @returns a line for each entry that only one has, and for each property in which two differ */
export function differencesOf(
  source: ReadonlyMap<string, TreeEntry>,
  target: ReadonlyMap<string, TreeEntry>,
): readonly string[] {
  const paths = [...new Set([...source.keys(), ...target.keys()])].sort();
  return paths.flatMap((path) => {
    const [ofSource, ofTarget] = [source.get(path), target.get(path)];
    if (ofTarget === undefined) return [`${path}: missing on the target`];
    if (ofSource === undefined) return [`${path}: only on the target`];
    return [...new Set([...Object.keys(ofSource), ...Object.keys(ofTarget)])]
      .filter((property) => ofSource[property] !== ofTarget[property])
      .map((property) => `${path}: ${property} ${ofSource[property] ?? '-'} / ${ofTarget[property] ?? '-'}`);
  });
}

async function entriesOf(root: string): Promise<ReadonlyMap<string, TreeEntry>> {
  const paths = ['.', ...(await readdir(root, { recursive: true }))];
  const entries = new Map<string, TreeEntry>();
  const next = paths.values();
  const worker = async () => {
    for (const path of next) entries.set(path, await entryAt(join(root, path)));
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, worker));
  return entries;
}

async function entryAt(path: string): Promise<TreeEntry> {
  const { mode, uid, gid, size, mtimeNs, nlink } = await lstat(path, { bigint: true });
  const properties = {
    mode: mode.toString(8),
    owner: `${uid}:${gid}`,
    modified: mtimeNs.toString(),
    links: nlink.toString(),
  };
  const kind = mode & 0o170000n;
  if (kind === 0o120000n) return { ...properties, linkTarget: await readlink(path) };
  if (kind !== 0o100000n) return properties;
  return { ...properties, bytes: size.toString(), sha256: await digestOf(path, Number(size)) };
}

/** By hand: streams cost more than the digests of thousands of small files. */
async function digestOf(path: string, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes + 1));
  const file = await open(path, 'r');
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
