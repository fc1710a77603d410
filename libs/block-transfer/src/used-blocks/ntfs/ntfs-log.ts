import { believe } from '../map-doubt.js';
import { withoutFixups } from './ntfs-record.parser.js';

/** The two restart pages are one system page each, of 4 KiB wherever Windows runs on PCs and servers. */
export const NTFS_RESTART_AREA_BYTES = 8192;
const PAGE_BYTES = 4096;
const NO_CLIENT = 0xffff;
const VOLUME_IS_CLEAN = 2;

/**
 * Whether Windows has left nothing in the log, or in its memory: a volume that was not unmounted, also because the
 * machine hibernates or will start fast, has a client in its log. Linux's own drivers overwrite the log with ones.
 * @param bytes the first {@link NTFS_RESTART_AREA_BYTES} of the file `$LogFile`
 */
export function isNtfsLogClean(bytes: Buffer): boolean {
  if (bytes.every((byte) => byte === 0xff)) return true;
  const pages = [bytes.subarray(0, PAGE_BYTES), bytes.subarray(PAGE_BYTES, 2 * PAGE_BYTES)];
  const areas = pages.flatMap((page) => (page.toString('latin1', 0, 4) === 'RSTR' ? [restartArea(page)] : []));
  const newest = areas.toSorted((a, b) => (a.sequence < b.sequence ? 1 : -1))[0];
  return newest?.isClean ?? false;
}

function restartArea(raw: Buffer): { sequence: bigint; isClean: boolean } {
  believe(raw.readUInt32LE(16) === PAGE_BYTES, 'the log of ntfs has pages of a strange size');
  const page = withoutFixups(raw, 'RSTR');
  const at = page.readUInt16LE(24);
  believe(at >= 30 && at + 48 <= PAGE_BYTES, 'the log of ntfs is damaged');
  const hasNoClient = page.readUInt16LE(at + 12) === NO_CLIENT;
  const saysClean = (page.readUInt16LE(at + 14) & VOLUME_IS_CLEAN) !== 0;
  return { sequence: page.readBigUInt64LE(at), isClean: hasNoClient || saysClean };
}
