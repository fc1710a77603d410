import { randomInt } from 'node:crypto';
import type { ByteRange } from '#libs/contracts';
import { mergeExtents } from '#libs/block-transfer';
import type { FileSystemImage } from './file-system-image.js';

const END_OF_CHAIN = 0xffffffff;
const FIRST_CLUSTER = 2;
const ENTRY_BYTES = 32;
const Attribute = { ARCHIVE: 0x20 } as const;

interface Place {
  readonly table: number;
  readonly heap: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly root: number;
}

/**
 * Writes files into the root directory of a fresh exFAT image, in clusters that are chosen at random, as no machine
 * that runs these tests need be able to mount one. Just so much of the format as `fsck.exfat` looks at: chains in the
 * table, bits in the bitmap, entry sets with their checksums.
 * @returns where the files' content lies
 */
export async function writeExfatFiles(
  image: FileSystemImage,
  count: number,
  maxClusters: number,
): Promise<ByteRange[]> {
  const place = await placeOf(image);
  const root = place.heap + (place.root - FIRST_CLUSTER) * place.clusterBytes;
  const directory = await image.bytes(root, place.clusterBytes);
  const bitmapEntry = entries(directory).find((entry) => entry.readUInt8(0) === 0x81);
  if (bitmapEntry === undefined) throw new Error('no allocation bitmap');
  const bitmapAt = place.heap + (bitmapEntry.readUInt32LE(20) - FIRST_CLUSTER) * place.clusterBytes;
  const bitmap = await image.bytes(bitmapAt, Math.ceil(place.clusters / 8));
  let at = entries(directory).findIndex((entry) => entry.readUInt8(0) === 0) * ENTRY_BYTES;
  const content: ByteRange[] = [];
  for (let index = 0; index < count; index += 1) {
    const [first, ...others] = chooseFree(bitmap, place.clusters, randomInt(maxClusters));
    const clusters = [first, ...others];
    for (const [position, cluster] of clusters.entries()) {
      const offsetBytes = place.heap + (cluster - FIRST_CLUSTER) * place.clusterBytes;
      content.push({ offsetBytes, lengthBytes: place.clusterBytes });
      const next = Buffer.alloc(4);
      next.writeUInt32LE(clusters[position + 1] ?? END_OF_CHAIN);
      await image.patch(place.table + cluster * 4, next);
    }
    const set = entrySet(`FILE${index}`, first, clusters.length * place.clusterBytes);
    set.copy(directory, at);
    at += set.length;
  }
  await image.patch(root, directory);
  await image.patch(bitmapAt, bitmap);
  return mergeExtents(content);
}

/** The part of the image that is cut into clusters. */
export async function clustersOf(image: FileSystemImage): Promise<ByteRange> {
  const { heap, clusterBytes, clusters } = await placeOf(image);
  return { offsetBytes: heap, lengthBytes: clusters * clusterBytes };
}

/** Marks a cluster as bad, in the table only. */
export async function markBadInExfat(image: FileSystemImage, offsetBytes: number): Promise<void> {
  const { table, heap, clusterBytes } = await placeOf(image);
  const bad = Buffer.from([0xf7, 0xff, 0xff, 0xff]);
  await image.patch(table + ((offsetBytes - heap) / clusterBytes + FIRST_CLUSTER) * 4, bad);
}

async function placeOf(image: FileSystemImage): Promise<Place> {
  const boot = await image.bytes(0, 512);
  const sector = 2 ** boot.readUInt8(108);
  return {
    table: boot.readUInt32LE(80) * sector,
    heap: boot.readUInt32LE(88) * sector,
    clusterBytes: sector * 2 ** boot.readUInt8(109),
    clusters: boot.readUInt32LE(92),
    root: boot.readUInt32LE(96),
  };
}

function entries(directory: Buffer): Buffer[] {
  return Array.from({ length: directory.length / ENTRY_BYTES }, (_, index) =>
    directory.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES),
  );
}

function chooseFree(bitmap: Buffer, clusters: number, others: number): [number, ...number[]] {
  const chosen: [number, ...number[]] = [nextFree(bitmap, clusters)];
  while (chosen.length <= others) chosen.push(nextFree(bitmap, clusters));
  return chosen;
}

function nextFree(bitmap: Buffer, clusters: number): number {
  for (;;) {
    const bit = randomInt(clusters);
    const byte = bitmap.readUInt8(bit >>> 3);
    if (((byte >>> (bit & 7)) & 1) === 1) continue;
    bitmap.writeUInt8(byte | (1 << (bit & 7)), bit >>> 3);
    return bit + FIRST_CLUSTER;
  }
}

/** A file, its stream, and its name of up to 15 capitals and digits. */
function entrySet(name: string, firstCluster: number, bytes: number): Buffer {
  const set = Buffer.alloc(3 * ENTRY_BYTES);
  const units = Buffer.from(name, 'utf16le');
  set.writeUInt8(0x85, 0);
  set.writeUInt8(2, 1);
  set.writeUInt16LE(Attribute.ARCHIVE, 4);
  const date = ((2026 - 1980) << 25) | (11 << 21) | (24 << 16);
  for (const offset of [8, 12, 16]) set.writeUInt32LE(date >>> 0, offset);
  set.writeUInt8(0xc0, 32);
  set.writeUInt8(0x01, 33);
  set.writeUInt8(name.length, 35);
  set.writeUInt16LE(rotatingSum(units), 36);
  set.writeBigUInt64LE(BigInt(bytes), 40);
  set.writeUInt32LE(firstCluster, 52);
  set.writeBigUInt64LE(BigInt(bytes), 56);
  set.writeUInt8(0xc1, 64);
  units.copy(set, 66);
  // The checksum leaves its own place out.
  set.writeUInt16LE(rotatingSum(Buffer.concat([set.subarray(0, 2), set.subarray(4)])), 2);
  return set;
}

function rotatingSum(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum = (((sum << 15) | (sum >>> 1)) + byte) & 0xffff;
  return sum;
}
