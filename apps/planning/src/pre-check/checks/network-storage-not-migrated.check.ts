import type { PreCheck } from '../pre-check-input.js';

/** R13: files that lie on another machine are not on any disk that is copied. */
export const networkStorageNotMigrated: PreCheck = ({ inventory: { networkMounts } }) => {
  if (networkMounts.length === 0) return [];
  const mounts = networkMounts.map(({ source, mountPoint, type }) => `${mountPoint} (${type} from ${source})`);
  return [
    {
      code: 'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED',
      severity: 'warning',
      title: 'Network storage is not migrated',
      text: `Files on network storage stay where they are: ${mounts.join(', ')}.`,
      remedy: 'Make sure that the target VM reaches this storage from its network, or migrate the files on their own.',
    },
  ];
};
