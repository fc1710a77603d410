/** Where the superblock of ext2, ext3 and ext4 lies, and how much of it is read here. */
export const EXT_SUPERBLOCK_OFFSET_BYTES = 1024;
export const EXT_SUPERBLOCK_BYTES = 1024;

const MAGIC = 0xef53;

/**
 * Features under which one bit of the block bitmap is one block, and nothing outside of the bitmap is in use.
 * The list is of what is known, not of what is refused: a feature of tomorrow is not guessed at. Left out on purpose:
 * `bigalloc` (a bit is a cluster of blocks; partclone 0.3.23 takes it for one block and calls used blocks free),
 * `shared_blocks`, snapshots, compression, and external journal devices.
 */
const KNOWN_INCOMPATIBLE =
  0x0002 | // filetype
  0x0004 | // journal needs recovery: every mounted file system
  0x0010 | // meta_bg
  0x0040 | // extents
  0x0080 | // 64bit
  0x0100 | // mmp
  0x0200 | // flex_bg
  0x0400 | // ea_inode
  0x2000 | // checksum seed
  0x4000 | // large directories
  0x8000 | // inline data
  0x10000 | // encrypted files
  0x20000; // case-insensitive names
const KNOWN_READ_ONLY_COMPATIBLE =
  0x0001 | // sparse superblocks
  0x0002 | // large files
  0x0004 | // b-tree directories
  0x0008 | // huge files
  0x0010 | // group descriptor checksums
  0x0020 | // many links to a directory
  0x0040 | // large inodes
  0x0100 | // quota
  0x0400 | // metadata checksums
  0x1000 | // read-only
  0x2000 | // project quota
  0x8000 | // verity
  0x10000; // orphan file in use

export interface ExtSuperblock {
  readonly fileSystemBytes: number;
  /** Null when a block map can be believed, else why it cannot. */
  readonly doubt: string | null;
}

/** Reads what decides whether a block map of the file system can be believed. Throws `SyntaxError` without the magic number. */
export function parseExtSuperblock(bytes: Uint8Array): ExtSuperblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < EXT_SUPERBLOCK_BYTES || view.getUint16(0x38, true) !== MAGIC) {
    throw new SyntaxError('no ext2, ext3 or ext4 superblock');
  }
  const incompatible = view.getUint32(0x60, true);
  const readOnlyCompatible = view.getUint32(0x64, true);
  const blockBytes = 1024 * 2 ** view.getUint32(0x18, true);
  const has64bit = (incompatible & 0x80) !== 0;
  const blocks = view.getUint32(0x04, true) + (has64bit ? view.getUint32(0x150, true) * 2 ** 32 : 0);
  const unknown = [
    ...featureNames('incompat', incompatible & ~KNOWN_INCOMPATIBLE),
    ...featureNames('ro_compat', readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE),
  ];
  return {
    fileSystemBytes: blocks * blockBytes,
    doubt: unknown.length === 0 ? null : `features whose block maps are not known: ${unknown.join(', ')}`,
  };
}

function featureNames(word: string, bits: number): string[] {
  return bits === 0 ? [] : [`${word} 0x${(bits >>> 0).toString(16)}`];
}
