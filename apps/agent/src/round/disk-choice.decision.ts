import { EndpointFailure } from '#libs/block-transfer';
import type { Disk, MachineInventory, SyncRoundAssignment } from '#libs/contracts';

type AssignedDisk = SyncRoundAssignment['disks'][number];

/** One disk of a round: what the server wants, and what is there. */
export interface RoundDisk {
  readonly assigned: AssignedDisk;
  readonly present: Disk;
}

/**
 * Finds the assigned disks on the machine as it is now. Kernel names change between boots, so the disk's id decides,
 * not the device that the server remembers. In the order that the operator wants; else small disks first: the most
 * disks are done when something breaks.
 * @throws EndpointFailure `SOURCE_DISK_CHANGED`, or `USED_BLOCKS_UNKNOWN` for a disk that could not be examined just now:
 *   neither is known what it is, nor what is mounted of it
 */
export function chooseDisks(assignment: SyncRoundAssignment, inventory: MachineInventory): readonly RoundDisk[] {
  return assignment.disks
    .map((assigned) => ({ assigned, present: findDisk(assigned, inventory) }))
    .sort((a, b) => turnOf(a) - turnOf(b) || a.assigned.sizeBytes - b.assigned.sizeBytes);
}

const turnOf = ({ assigned }: RoundDisk): number => assigned.turn ?? Number.MAX_SAFE_INTEGER;

function findDisk(assigned: AssignedDisk, inventory: MachineInventory): Disk {
  const present = inventory.disks.find((disk) => disk.diskId === assigned.diskId);
  const unexamined = present ?? inventory.disks.find(({ examinationError }) => examinationError !== undefined);
  if (unexamined?.examinationError !== undefined) {
    const { device, examinationError } = unexamined;
    throw new EndpointFailure('USED_BLOCKS_UNKNOWN', `${device} could not be examined: ${examinationError}`);
  }
  if (present === undefined) {
    throw new EndpointFailure('SOURCE_DISK_CHANGED', `The machine has no disk ${assigned.diskId} any more.`);
  }
  if (present.sizeBytes !== assigned.sizeBytes) {
    throw new EndpointFailure(
      'SOURCE_DISK_CHANGED',
      `Disk ${assigned.diskId} (${present.device}) has ${present.sizeBytes} bytes; the task knows it with ${assigned.sizeBytes}.`,
    );
  }
  return present;
}
