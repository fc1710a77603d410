import type { PreCheck } from '../pre-check-input.js';
import { isExternalAndMounted } from '../external-disk.js';

/**
 * R12 promises external storage with mounted partitions only. Without a mount nothing shows that it is this machine
 * that uses it: a shared LUN that another host writes to would be copied in no state it ever had. Logical volumes
 * look the same from here, hence a warning.
 */
export const externalStorageNotMounted: PreCheck = ({ inventory }) =>
  inventory.disks
    .filter((disk) => disk.external && !isExternalAndMounted(disk))
    .map(({ diskId, device, transport }) => ({
      code: 'PRECHECK.EXTERNAL_STORAGE_NOT_MOUNTED',
      severity: 'warning',
      title: 'External storage that is not mounted',
      text:
        `${device} is external storage (${transport ?? 'network'}), and none of its partitions is mounted directly. ` +
        'If another machine writes to it, the copy will not be consistent.',
      remedy: 'Make sure that only this machine uses it (volume groups on it included), or detach it from the source.',
      diskId,
    }));
