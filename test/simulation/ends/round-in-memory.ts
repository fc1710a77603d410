import type { Comparison, SyncRoundAssignment } from '#libs/contracts';
import type { Lifetime } from '../world/lifetime.js';
import type { AgentDisk } from './agent-disk.js';
import { BLOCK_BYTES } from './contents.js';
import { DigestTable } from './digest-table.js';

export interface DiskInMemory {
  readonly diskId: string;
  readonly blocks: number;
  readonly table: DigestTable;
  /** Blocks that are neither read nor sent again in this round: 1. */
  readonly done: Uint8Array;
  /** Blocks that the target was found not to hold. */
  readonly differences: Set<number>;
  sentBlocks: number;
}

/** What the agent's process keeps of the round in hand from attempt to attempt. It dies with the process. */
export class RoundInMemory {
  readonly roundId: string;
  readonly comparison: Comparison;
  readonly baseline: 'none' | 'kept' | 'lost';
  /** Small disks first. */
  readonly disks: readonly DiskInMemory[];

  constructor(assignment: SyncRoundAssignment, kept: AgentDisk, process: Lifetime) {
    const { taskId, roundId, roundKind, resend } = assignment;
    const hasTables = kept.hasTables(taskId);
    this.roundId = roundId;
    this.comparison = hasTables && !resend ? 'rescan' : 'all-blocks';
    this.baseline = this.comparison === 'rescan' ? 'kept' : roundKind === 'full' ? 'none' : 'lost';
    this.disks = assignment.disks
      .map(({ diskId, sizeBytes }) => {
        const blocks = sizeBytes / BLOCK_BYTES;
        const table = new DigestTable(kept.tableOf(taskId, diskId, blocks), process);
        return { diskId, blocks, table, done: new Uint8Array(blocks), differences: new Set<number>(), sentBlocks: 0 };
      })
      .sort((a, b) => a.blocks - b.blocks);
  }

  /** Everything is to be sent, whatever the tables know; what the round brings there is known again. */
  async forgetAll(): Promise<void> {
    await Promise.all(this.disks.map(({ table, done }) => table.forget([...done.keys()])));
  }

  /** Everything is to be read once more. */
  beginAgain(): void {
    for (const { done } of this.disks) done.fill(0);
  }
}

export const isDone = ({ done }: DiskInMemory): boolean => !done.includes(0);
