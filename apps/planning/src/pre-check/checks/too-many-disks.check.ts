import type { PreCheck } from '../pre-check-input.js';
import { capabilitiesOf } from '../site-capabilities.js';

/** R15: disks per VM, 64 from HCI 6.11.1 and 16 before. Counts what the target would need at least. */
export const tooManyDisks: PreCheck = ({ inventory, site, target }) => {
  const { maxDisks } = capabilitiesOf(site);
  const diskCount = Math.max(inventory.disks.length, target.disks.length);
  if (diskCount <= maxDisks) return [];
  return [
    {
      code: 'PRECHECK.TOO_MANY_DISKS',
      severity: 'critical',
      title: 'Too many disks',
      text: `The target VM would have ${diskCount} disks; the site (version "${site.version}") allows ${maxDisks}.`,
      remedy: `Reduce the disks of the source machine to ${maxDisks}; HCI 6.11.1 and later allow 64.`,
    },
  ];
};
