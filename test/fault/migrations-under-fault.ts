import { expect, onTestFailed } from 'vitest';
import { clipExtents, mergeExtents, totalBytes } from '#libs/block-transfer';
import type { ReplicationView, SyncRoundView, TaskSettings } from '#libs/contracts';
import { usedBlocksOfExt4 } from '../../infra/demo/target-check/index.js';
import type { SourceMachine } from '../e2e/migration/source-machine.js';
import { expectIdenticalTarget } from './identical-target.js';
import type { MigrationScene } from './migration-scene.js';

export const MIB = 1024 * 1024;
const DISK = { sizeMiB: 256, fileCount: 250 };
/** Slow enough that a round takes many seconds, so that a fault happens in its middle. */
export const SLOW_BITS_PER_SECOND = 80_000_000;
/** What is sent again after a break: the data plane's bound, see "Going on after a lost connection" in libs/block-transfer/README.md. */
export const RESENT_BYTES = 45 * MIB;
/** In the middle of a round, at least this much is acknowledged. */
const KEPT_BYTES = 24 * MIB;
export const LONG_WINDOW: Partial<TaskSettings> = { resumeWindowSeconds: 120 };
export const SHORT_WINDOW: Partial<TaskSettings> = { resumeWindowSeconds: 4 };

export const sentBy = (round: SyncRoundView | undefined): number =>
  round?.disks.reduce((sum, { sentBytes }) => sum + sentBytes, 0) ?? Number.NaN;

/** Migrations of one scene, one at a time, each brought to the middle of its full round. */
export class MigrationsUnderFault {
  #machine: SourceMachine | null = null;

  constructor(private readonly scene: MigrationScene) {}

  /** Something is acknowledged and much is not; the path is slow until it is mended. */
  async inMiddleOfFullRound(settings: Partial<TaskSettings>) {
    const { scene } = this;
    onTestFailed(async () => console.error(await scene.services.lastWords(), await this.#machine?.agent.lastWords()));
    await scene.network.throttle(SLOW_BITS_PER_SECOND);
    const { machine, taskId, targetVmId } = await scene.startMigration(DISK, settings);
    this.#machine = machine;
    const usedBytes = await machine.disk.usedBytes();
    const migration = new MigrationUnderFault(scene, machine, taskId, targetVmId);
    const roundId = await migration.untilAcknowledged();
    return { migration, taskId, targetVmId, roundId, usedBytes, machine };
  }

  async endCurrent(): Promise<void> {
    await this.scene.network.mend();
    await this.#machine?.remove();
    this.#machine = null;
  }
}

/** A migration that is watched, and brought to its end. */
export class MigrationUnderFault {
  constructor(
    private readonly scene: MigrationScene,
    private readonly source: SourceMachine,
    private readonly taskId: string,
    private readonly targetVmId: string,
  ) {}

  /** @returns the id of the round that the target has acknowledged something of */
  async untilAcknowledged(): Promise<string> {
    const { operator } = this.scene;
    const roundId = await operator.until(this.taskId, 'a full round', ({ replication }) => {
      const round = replication?.rounds.at(-1);
      return round?.status === 'transferring' ? round.roundId : undefined;
    });
    await expect.poll(() => this.keptBytes(roundId), { timeout: 60_000, interval: 100 }).toBeGreaterThan(KEPT_BYTES);
    return roundId;
  }

  /** How much of what is used on the source the target has acknowledged in a round, by the recorded ranges. */
  async keptBytes(roundId: string): Promise<number> {
    const [acknowledged, used] = await Promise.all([
      this.scene.operator.acknowledgedRanges(this.taskId, roundId),
      usedBlocksOfExt4(this.source.disk.partitionDevice),
    ]);
    const ranges = mergeExtents(acknowledged.flatMap((disk) => disk.ranges));
    return totalBytes(used.flatMap((extent) => clipExtents(ranges, extent)));
  }

  untilActivity(activity: ReplicationView['activity']): Promise<true> {
    return this.scene.operator.untilSeen(this.taskId, `the activity ${activity}`, ({ replication }) =>
      replication?.activity === activity ? true : undefined,
    );
  }

  untilFailed(number: number): Promise<SyncRoundView> {
    return this.scene.operator.untilSeen(this.taskId, `round ${number} to fail`, ({ replication }) =>
      replication?.rounds.find((round) => round.number === number && round.status === 'failed'),
    );
  }

  /** Cuts over and compares. @returns all rounds */
  async complete(): Promise<readonly SyncRoundView[]> {
    const { operator } = this.scene;
    await operator.untilSeen(this.taskId, 'a possible cutover', ({ cutover }) =>
      cutover.status === 'possible' ? true : undefined,
    );
    await this.untilActivity('idle');
    await this.source.disk.remountReadOnly();
    await operator.requestCutover(this.taskId);
    await operator.confirmSourceServicesStopped(this.taskId);
    const { replication } = await operator.untilCompleted(this.taskId);
    expect(replication?.verification).toMatchObject({ status: 'verified', failure: null });
    await expectIdenticalTarget(this.scene.folder, this.source, this.targetVmId);
    return replication?.rounds ?? [];
  }

  /** By the recorded acknowledgements alone. */
  async expectNoRangeAcknowledgedTwice(roundId: string): Promise<void> {
    expect(await this.scene.bytesAcknowledgedTwice(this.taskId, roundId)).toBe(0);
  }
}
