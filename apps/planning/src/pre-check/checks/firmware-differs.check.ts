import type { PreCheck } from '../pre-check-input.js';

/**
 * A system installed for one firmware does not start on the other unless its boot loader is made for both. That
 * cannot be seen from the inventory, hence a warning. Nothing is said where the source does not know its firmware.
 */
export const firmwareDiffers: PreCheck = ({ inventory, target }) => {
  if (inventory.firmware === 'unknown' || inventory.firmware === target.firmware) return [];
  return [
    {
      code: 'PRECHECK.FIRMWARE_DIFFERS',
      severity: 'warning',
      title: 'Firmware differs',
      text: `The source starts by ${inventory.firmware}, the target VM by ${target.firmware}: it may not start.`,
      remedy: `Ask for a target with firmware "${inventory.firmware}".`,
    },
  ];
};
