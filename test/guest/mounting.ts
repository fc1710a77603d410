import type { GuestMount } from './file-systems.js';

export const mountOf = ({ driver, device, mountPoint }: GuestMount): string =>
  `mkdir -p ${mountPoint}; mount -t ${driver} ${device} ${mountPoint}`;
