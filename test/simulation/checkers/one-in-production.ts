import type { MakeChecker } from './checker.js';

/** Source and target are never in production at the same time. */
export const oneInProduction: MakeChecker = ({ world, report }) => {
  const isTargetInProduction = (): boolean => world.hypervisor.machines.some(({ boots }) => boots === 'disk');
  return {
    name: 'one-in-production',
    observed: (seen) => {
      if (seen.kind === 'machine-booting-from-disk' && world.source.areServicesRunning) {
        report("The target boots into production while the source's services run");
      }
      if ((seen.kind === 'services-started' || seen.kind === 'source-written') && isTargetInProduction()) {
        report(`The target is in production, and at the source: ${seen.kind}`);
      }
    },
  };
};
