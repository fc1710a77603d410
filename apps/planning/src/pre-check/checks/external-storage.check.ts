import type { PreCheck } from '../pre-check-input.js';
import { isExternalAndMounted } from '../external-disk.js';

/** R12: external storage with mounted partitions is migrated like the machine's own disks. */
export const externalStorage: PreCheck = ({ inventory }) =>
  inventory.disks.filter(isExternalAndMounted).map(({ diskId, device, transport }) => ({
    code: 'PRECHECK.EXTERNAL_STORAGE',
    severity: 'information',
    title: 'External storage',
    text: `${device} is external storage (${transport ?? 'network'}) in use by this machine. It is migrated too.`,
    remedy: 'Nothing needs to be done. Detach the external storage from the source after the cutover.',
    diskId,
  }));
