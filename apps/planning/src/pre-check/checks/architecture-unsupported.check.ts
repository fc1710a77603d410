import type { PreCheck } from '../pre-check-input.js';

/** A machine of another architecture could be copied, but never start on the target. */
export const architectureUnsupported: PreCheck = ({ inventory }) => {
  if (inventory.operatingSystem.architecture !== 'other') return [];
  return [
    {
      code: 'PRECHECK.ARCHITECTURE_UNSUPPORTED',
      severity: 'critical',
      title: 'Architecture not supported',
      text: `${inventory.hostname} is neither an x86_64 nor an aarch64 machine, so that no target VM could run it.`,
      remedy: 'This machine cannot be migrated as a whole. Set its services up anew on the platform.',
    },
  ];
};
