import type { DiskRoundResult } from '#libs/contracts';
import { BLOCK_BYTES } from '../ends/contents.js';
import type { MakeChecker } from './checker.js';

/** What a round is recorded to have repaired had changed of itself, and the round sent it again. */
export const repairedAsRecorded: MakeChecker = ({ world, report }) => {
  const damaged = new Set<string>();
  const acknowledged = new Set<string>();
  const blocksOf = ({ ranges }: NonNullable<DiskRoundResult['repaired']>): number[] =>
    ranges.flatMap(({ offsetBytes, lengthBytes }) =>
      Array.from({ length: lengthBytes / BLOCK_BYTES }, (_, index) => offsetBytes / BLOCK_BYTES + index),
    );
  return {
    name: 'repaired-as-recorded',
    observed: (seen) => {
      if (seen.kind === 'block-damaged') {
        const { taskId } = world.folds.targetVm(seen.targetVmId) ?? { taskId: '' };
        damaged.add(`${taskId}/${seen.diskId}/${seen.block}`);
      }
      if (seen.kind === 'block-acknowledged') acknowledged.add(`${seen.roundId}/${seen.diskId}/${seen.block}`);
    },
    recorded: ({ event }) => {
      if (event?.type !== 'SyncRoundCompleted') return;
      const { taskId, roundId, disks } = event.data as {
        readonly taskId: string;
        readonly roundId: string;
        readonly disks: readonly DiskRoundResult[];
      };
      for (const { diskId, repaired } of disks) {
        if (repaired === undefined) continue;
        const blocks = blocksOf(repaired);
        if (blocks.length === 0) report(`Round ${roundId} is recorded to have repaired nothing of ${diskId}`);
        for (const block of blocks) {
          if (!damaged.has(`${taskId}/${diskId}/${block}`)) {
            report(`Block ${block} of ${diskId} is recorded as repaired, and was in order`);
          } else if (!acknowledged.has(`${roundId}/${diskId}/${block}`)) {
            report(`Block ${block} of ${diskId} is recorded as repaired, and was not sent again`);
          }
        }
      }
    },
  };
};
