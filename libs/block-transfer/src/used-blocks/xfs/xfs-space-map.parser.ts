import { believe } from '../map-doubt.js';

/** `xfs_io` counts in these, whatever the file system's blocks are. */
const SECTOR_BYTES = 512;
const TITLE = 'EXT,MAJOR,MINOR,PSTART,PEND,OWNER';
const ROW = /^\d+,\d+,\d+,(\d+),(\d+),(\S+),\d*,\d*,(\d+)$/;
/** The kernel's own word for: nobody's. */
const FREE = 'special_0:1';

/**
 * Reads what `xfs_io -c 'fsmap -d -m'` prints, line by line: that of a badly fragmented file system does not fit into
 * memory. Rows that are not free may be missing or overlap (shared extents do); free ones must be in order.
 */
export class XfsSpaceMapParser {
  #lines = 0;
  #end = 0;

  /** @param onFree hears of each free extent, as a range of the file system */
  constructor(private readonly onFree: (offsetBytes: number, lengthBytes: number) => void) {}

  /** Throws a `MapDoubt` on a row that is none. */
  line(row: string): void {
    this.#lines += 1;
    if (this.#lines === 1) {
      believe(row.startsWith(TITLE), 'xfs_io printed no space map');
      return;
    }
    const [, first, last, owner, length] = ROW.exec(row) ?? [];
    const wrong = `xfs_io printed "${row.slice(0, 80)}"`;
    believe(owner !== undefined, wrong);
    if (owner !== FREE) return;
    const sectors = Number(last) - Number(first) + 1;
    believe(sectors === Number(length) && Number(first) >= this.#end, wrong);
    this.#end = Number(last) + 1;
    this.onFree(Number(first) * SECTOR_BYTES, sectors * SECTOR_BYTES);
  }

  /** Throws a `MapDoubt` when that was not all of it. */
  end(): void {
    believe(this.#lines > 1, 'xfs_io printed an empty space map');
  }
}
