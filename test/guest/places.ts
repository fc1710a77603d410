import type { ByteRange, Disk } from '#libs/contracts';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endOf, mergeExtents } from '#libs/block-transfer';
import type { GuestLink } from './machine/guest-link.js';
import { freeByBtrfsProgs, freeByDumpe2fs, freeByPartclone } from './map-oracles.js';

/** A file system, and which ranges of the disk it is made of, in its order. */
export interface PlacedFileSystem {
  readonly type: string;
  readonly pieces: readonly ByteRange[];
}

export interface DiskPlaces {
  readonly fileSystems: readonly PlacedFileSystem[];
  /** Parts of physical volumes of LVM that belong to no logical one. */
  readonly unallocated: readonly ByteRange[];
}

/** Where file systems are on the disk; of LVM, by its own tools in the guest. */
export async function placesOn(disk: Disk, link: GuestLink): Promise<DiskPlaces> {
  const fileSystems: PlacedFileSystem[] = [];
  const unallocated: ByteRange[] = [];
  for (const { startBytes, sizeBytes, fileSystem } of disk.partitions) {
    if (fileSystem === null) continue;
    if (fileSystem.type !== 'LVM2_member') {
      fileSystems.push({ type: fileSystem.type, pieces: [{ offsetBytes: startBytes, lengthBytes: sizeBytes }] });
      continue;
    }
    const physical = await physicalVolume(link, startBytes);
    unallocated.push(...(await unallocatedIn(link, physical)));
    for (const { device, fileSystem: inside } of disk.volumes ?? []) {
      fileSystems.push({ type: inside.type, pieces: await piecesOf(link, device, physical) });
    }
  }
  return { fileSystems, unallocated };
}

interface PhysicalVolume {
  readonly extentsStartBytes: number;
  readonly extentBytes: number;
}

const LVM_OPTIONS = '--noheadings --units b --nosuffix';

async function physicalVolume(link: GuestLink, startBytes: number): Promise<PhysicalVolume> {
  const text = await link.shell(`lvm pvs ${LVM_OPTIONS} -o pe_start,vg_extent_size`);
  const [peStart = NaN, extentBytes = NaN] = text.trim().split(/\s+/).map(Number);
  return { extentsStartBytes: startBytes + peStart, extentBytes };
}

const extents = ({ extentsStartBytes, extentBytes }: PhysicalVolume, first: number, count: number): ByteRange => ({
  offsetBytes: extentsStartBytes + first * extentBytes,
  lengthBytes: count * extentBytes,
});

async function unallocatedIn(link: GuestLink, physical: PhysicalVolume): Promise<ByteRange[]> {
  const text = await link.shell(`lvm pvs --segments ${LVM_OPTIONS} -o pvseg_start,pvseg_size,segtype`);
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+free\s*$/gm)].map(([, first, count]) =>
    extents(physical, Number(first), Number(count)),
  );
}

async function piecesOf(link: GuestLink, device: string, physical: PhysicalVolume): Promise<ByteRange[]> {
  const text = await link.shell(`lvm lvs --segments ${LVM_OPTIONS} -o seg_pe_ranges ${device}`);
  return [...text.matchAll(/:(\d+)-(\d+)/g)].map(([, first, last]) =>
    extents(physical, Number(first), Number(last) - Number(first) + 1),
  );
}

/** What others' tools call free on a disk at rest, as ranges of it. */
export async function freeByOthers(image: string, folder: string, places: DiskPlaces): Promise<ByteRange[]> {
  const free = [...places.unallocated];
  for (const place of places.fileSystems) {
    const alone = join(folder, 'one-file-system.img');
    await cutOut(image, place.pieces, alone);
    for (const range of await freeIn(place.type, alone)) free.push(...onDisk(range, place.pieces));
    await rm(alone);
  }
  return mergeExtents(free);
}

function freeIn(type: string, image: string): Promise<ByteRange[]> {
  if (type === 'btrfs') return freeByBtrfsProgs(image);
  return type === 'ext4' ? freeByDumpe2fs(image, 0) : freeByPartclone(type, image, 0);
}

async function cutOut(image: string, pieces: readonly ByteRange[], path: string): Promise<void> {
  const from = await open(image, 'r');
  const to = await open(path, 'w');
  try {
    for (const { offsetBytes, lengthBytes } of pieces) {
      const bytes = Buffer.alloc(lengthBytes);
      await from.read(bytes, 0, lengthBytes, offsetBytes);
      await to.write(bytes);
    }
  } finally {
    await from.close();
    await to.close();
  }
}

/** A range of a file system as ranges of the disk. */
function onDisk(range: ByteRange, pieces: readonly ByteRange[]): ByteRange[] {
  const found: ByteRange[] = [];
  let before = 0;
  for (const piece of pieces) {
    const from = Math.max(range.offsetBytes, before);
    const to = Math.min(endOf(range), before + piece.lengthBytes);
    if (from < to) found.push({ offsetBytes: piece.offsetBytes + from - before, lengthBytes: to - from });
    before += piece.lengthBytes;
  }
  return found;
}
