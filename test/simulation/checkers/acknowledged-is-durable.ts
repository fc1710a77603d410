import { type Content, UNKNOWN } from '../ends/contents.js';
import type { TargetMachine } from '../ends/target-machine.js';
import type { MakeChecker } from './checker.js';

const keyOf = (taskId: string, diskId: string, block: number): string => `${taskId}/${diskId}/${block}`;

/**
 * Acknowledged means durable: whenever the target loses its power, every acknowledged block is there with what was
 * acknowledged, unless it was sent anew since; and what the agent's digest table knows is never wrong.
 */
export const acknowledgedIsDurable: MakeChecker = ({ world, report }) => {
  /** What a block may hold: what was acknowledged last, and whatever was sent since. */
  const allowed = new Map<string, Content[]>();
  /** Nobody can know of a block that changed of itself, until it is sent anew. */
  const damaged = new Set<string>();
  const taskOf = (targetVmId: string): string => world.folds.targetVm(targetVmId)?.taskId ?? '';
  const check = (machine: TargetMachine, when: string): void => {
    const taskId = taskOf(machine.targetVmId);
    for (const disk of machine.disks) {
      for (let block = 0; block < disk.blocks; block += 1) {
        const held = disk.durableContent(block);
        const key = keyOf(taskId, disk.diskId, block);
        if (damaged.has(key)) continue;
        if (allowed.get(key)?.includes(held) === false) {
          report(`${when}, acknowledged block ${block} of ${disk.diskId} holds ${held}`);
          return;
        }
      }
    }
    checkTables(machine, taskId, when);
  };
  const checkTables = (machine: TargetMachine, taskId: string, when: string): void => {
    for (const disk of machine.disks) {
      const table = world.agent.disk.tableOf(taskId, disk.diskId, disk.blocks);
      const wrong = table.findIndex(
        (known, block) =>
          known !== UNKNOWN && known !== disk.durableContent(block) && !damaged.has(keyOf(taskId, disk.diskId, block)),
      );
      if (wrong === -1) continue;
      report(`${when}, the digest table is wrong about block ${wrong} of ${disk.diskId}`);
      return;
    }
  };
  return {
    name: 'acknowledged-is-durable',
    observed: (seen) => {
      if (seen.kind === 'block-damaged') damaged.add(keyOf(taskOf(seen.targetVmId), seen.diskId, seen.block));
      else if (seen.kind === 'block-acknowledged') {
        const key = keyOf(seen.taskId, seen.diskId, seen.block);
        allowed.set(key, [seen.content]);
        damaged.delete(key);
      } else if (seen.kind === 'block-sent') {
        allowed.get(keyOf(seen.taskId, seen.diskId, seen.block))?.push(seen.content);
      } else if (seen.kind === 'target-lost-power') {
        check(world.hypervisor.machineOf(seen.targetVmId)!, 'After the target lost its power');
      }
    },
    atEnd: () => {
      for (const machine of world.hypervisor.machines) check(machine, 'At the end');
    },
  };
};
