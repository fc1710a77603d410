import type { TargetMachine } from '../ends/target-machine.js';
import type { MakeChecker } from './checker.js';

/** Digests are equal at every completed cutover: the target holds every used block of the source, and zeros elsewhere. */
export const equalAtCutover: MakeChecker = ({ world, report }) => {
  const compare = (machine: TargetMachine, when: string): void => {
    for (const disk of machine.disks) {
      const wanted = world.source.canonical(disk.diskId);
      for (let block = 0; block < disk.blocks; block += 1) {
        const [durable, read] = [disk.durableContent(block), disk.read(block)];
        if (durable === wanted[block] && read === wanted[block]) continue;
        report(`${when}, block ${block} of ${disk.diskId} is ${durable} (reads as ${read}), not ${wanted[block]}`);
        return;
      }
    }
  };
  return {
    name: 'equal-at-cutover',
    observed: (seen) => {
      if (seen.kind !== 'machine-booting-from-disk') return;
      compare(world.hypervisor.machineOf(seen.targetVmId)!, 'When the target boots');
    },
    recorded: ({ event }) => {
      if (event?.type !== 'TakeOverDeclared') return;
      const { targetVmId } = event.data as { readonly targetVmId: string };
      const machine = world.hypervisor.machineOf(targetVmId);
      if (machine?.boots !== 'disk') report('The take-over is declared, and the target does not run from its disk');
      else compare(machine, 'When the take-over is declared');
    },
  };
};
