import type { ByteRange } from '#libs/contracts';
import { believe } from '../map-doubt.js';

/** `xfs_io` counts in these, whatever the file system's blocks are. */
const SECTOR_BYTES = 512;
const ROW = /^\d+,\d+,\d+,(\d+),(\d+),(\S+),\d*,\d*,(\d+)$/;
/** The kernel's own word for: nobody's. */
const FREE = 'special_0:1';

/**
 * The free extents in what `xfs_io -c 'fsmap -d -m'` printed, as ranges of the file system. Rows that are not free may
 * be missing or overlap (shared extents do); free ones must be in order. Throws a `MapDoubt` on a row that is none.
 */
export function parseXfsSpaceMap(text: string): ByteRange[] {
  const [title, ...rows] = text.trim().split('\n');
  believe(title?.startsWith('EXT,MAJOR,MINOR,PSTART,PEND,OWNER') === true, 'xfs_io printed no space map');
  believe(rows.length > 0, 'xfs_io printed an empty space map');
  const free: ByteRange[] = [];
  let end = 0;
  for (const row of rows) {
    const [, first, last, owner, length] = ROW.exec(row) ?? [];
    believe(owner !== undefined, `xfs_io printed "${row.slice(0, 80)}"`);
    if (owner !== FREE) continue;
    const sectors = Number(last) - Number(first) + 1;
    believe(sectors === Number(length) && Number(first) >= end, `xfs_io printed "${row.slice(0, 80)}"`);
    end = Number(last) + 1;
    free.push({ offsetBytes: Number(first) * SECTOR_BYTES, lengthBytes: sectors * SECTOR_BYTES });
  }
  return free;
}
