import type { PreCheck } from '../pre-check-input.js';
import { capabilitiesOf } from '../site-capabilities.js';

/** R14: the platform must be able to create and boot a target VM for us; otherwise the manual path is offered. */
export const automaticTargetUnsupported: PreCheck = ({ site, target }) => {
  if (target.provisioning !== 'automatic' || capabilitiesOf(site).automaticTarget) return [];
  return [
    {
      code: 'PRECHECK.AUTOMATIC_TARGET_UNSUPPORTED',
      severity: 'critical',
      title: 'Target cannot be created automatically',
      text:
        `The site (driver ${site.driver}, version "${site.version}") is not known to create targets automatically. ` +
        'HCI does from 6.0.0 R5 within 6.0.0, and from 6.3.0 on.',
      remedy:
        'Ask for provisioning "manual": create the VM yourself and boot it from the restore media. Or upgrade HCI.',
    },
  ];
};
