/** Size and use of an ext file system that is not mounted, from its superblock. */
export interface ExtSpace {
  readonly sizeBytes: number;
  readonly usedBytes: number;
}

/** Reads what `dumpe2fs -h` printed; null when the superblock lacks what is asked. */
export function parseDumpe2fs(output: string): ExtSpace | null {
  const number = (name: string) => {
    const digits = new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(output)?.[1];
    return digits === undefined ? null : Number(digits);
  };
  const blockBytes = number('Block size');
  const blocks = number('Block count');
  const freeBlocks = number('Free blocks');
  if (blockBytes === null || blocks === null || freeBlocks === null || freeBlocks > blocks) return null;
  return { sizeBytes: blocks * blockBytes, usedBytes: (blocks - freeBlocks) * blockBytes };
}
