import type { ExaminedDisk } from './examine-disk.js';
import type { BlockDevice } from './lsblk.parser.js';

type Named = Pick<BlockDevice, 'serial' | 'wwn' | 'kernelName'> & Pick<ExaminedDisk, 'contentId'>;

/** Well below the contract's limit and that of file names, as disk ids become file names. */
const DISK_ID_MAX_CHARACTERS = 100;

/**
 * One id per disk, in the order given: the serial number, else the WWN, else the id of what is on it, else the
 * kernel name; the first of them that no other disk has. Ids are unique and safe as file names.
 *
 * Virtual disks often have neither serial number nor WWN, and their kernel names change places between boots: by those
 * alone, the content of one disk would be sent to the target of another.
 */
export function diskIdsOf(disks: readonly Named[]): string[] {
  const candidates = disks.map((disk) => [
    meaningful(disk.serial),
    meaningful(disk.wwn),
    meaningful(disk.contentId),
    fileNameSafe(disk.kernelName),
    // Only when some other disk's serial number is this one's kernel name.
    `device-${fileNameSafe(disk.kernelName)}`,
  ]);
  const owners = new Map<string, number>();
  for (const own of candidates) {
    for (const id of new Set(own)) if (id !== '') owners.set(id, (owners.get(id) ?? 0) + 1);
  }
  return candidates.map((own) => own.find((id) => owners.get(id) === 1) ?? own.at(-1) ?? '');
}

/** Empty for serial numbers that makers leave unset, as nothing but zeros says nothing. */
function meaningful(value: string | null): string {
  const id = fileNameSafe(value ?? '');
  return /^(0x)?[0.-]*$/.test(id) ? '' : id;
}

function fileNameSafe(value: string): string {
  return value
    .trim()
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, DISK_ID_MAX_CHARACTERS);
}
