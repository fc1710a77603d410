import { join } from 'node:path';
import { type SyncRoundView, UNLIMITED_THROTTLE } from '#libs/contracts';
import type { TaskDocument } from '../../../apps/cli/src/gateway/task-document.js';
import { totalsOf } from '../../../apps/cli/src/sync-rounds/render-rounds.js';
import { sizeInWords } from '../../../apps/cli/src/terminal/quantities-in-words.js';
import { type RunningProgram, startProgram } from '../programs/program.js';
import type { DemoContext } from './demo-context.js';
import type { MigrationSetting } from './migration-setting.js';
import { TaskFollower } from './task-follower.js';

const MIB = 1024 * 1024;
const TARGET = { cpuCount: 2, memoryBytes: 2 * 1024 * MIB };
const SCHEDULE_SECONDS = 3;

/** Bounds of waits; generous, as they only end what hangs. */
const TARGET_BOUND_MS = 60_000;
const ROUND_BOUND_MS = 900_000;
const CUTOVER_BOUND_MS = 900_000;

/** Moves the machine: full round, incremental rounds while it is in use, cutover. @returns the finished task */
export async function migrate(context: DemoContext, setting: MigrationSetting): Promise<TaskDocument> {
  const business = await startBusiness(context, setting);
  const { taskId } = await setting.gateway.createMigrationTask({
    name: context.runName,
    sourceMachineId: setting.sourceMachineId,
    siteId: setting.siteId,
    diskIds: [setting.diskId],
    target: TARGET,
    // Nobody works on this machine, and somebody watches.
    settings: { throttle: UNLIMITED_THROTTLE },
  });
  const follower = new TaskFollower(setting.gateway, taskId);
  context.cleanup.add('stop following the task', async () => follower.stop());
  context.log.showBelow(() => follower.render(context.output.columns - 2, context.output.paint));
  const migration = new Migration(context, setting, taskId, follower);
  await migration.prepareTarget();
  await migration.fullSync();
  await migration.manualRound();
  await migration.scheduledRound();
  const document = await migration.cutover(business);
  context.log.showBelow(() => []);
  return document;
}

async function startBusiness(context: DemoContext, { source, folder }: MigrationSetting): Promise<RunningProgram> {
  const args = [join(context.dist, 'infra/demo/business-service/main.js'), join(source.mountPoint, 'business')];
  const business = await startProgram({ name: 'business-service', args, folder });
  context.cleanup.add('stop the business service', () => business.stop());
  business.onLost((reason) => context.fail(reason));
  return business;
}

class Migration {
  constructor(
    private readonly context: DemoContext,
    private readonly setting: MigrationSetting,
    private readonly taskId: string,
    private readonly follower: TaskFollower,
  ) {}

  async prepareTarget(): Promise<void> {
    await this.context.log.step(
      'Target VM',
      () => this.#until('the target VM', hasLeft('prepare-target'), TARGET_BOUND_MS),
      ({ task }) =>
        `${task.targetVmId}: ${TARGET.cpuCount} CPUs, ${sizeInWords(TARGET.memoryBytes)}, in its restore environment`,
    );
  }

  async fullSync(): Promise<void> {
    await this.context.log.step(
      'Full round',
      () => this.#ended('the full round', (round) => round.roundKind === 'full'),
      roundInWords,
    );
  }

  async manualRound(): Promise<void> {
    const { log } = this.context;
    const { source, gateway } = this.setting;
    await log.step(
      'Source in use',
      async () => {
        await source.rewriteInPlace(32 * MIB);
        await source.mutate({ newFiles: 200, newBytes: 6 * MIB, deletedBytes: 10 * MIB });
      },
      () => '32 MiB rewritten in place, 200 files of 6 MiB added, about 10 MiB deleted',
    );
    await log.step(
      'Incremental, by hand',
      async () => {
        const { roundId, skipped } = await gateway.startSyncRound(this.taskId);
        if (roundId === null) throw new Error(`No round was started: ${skipped ?? 'no reason given'}`);
        return this.#ended('the manual round', (round) => round.roundId === roundId);
      },
      roundInWords,
    );
  }

  async scheduledRound(): Promise<void> {
    const { source, gateway } = this.setting;
    await this.context.log.step(
      'Incremental, by schedule',
      async () => {
        await source.mutate({ newFiles: 100, newBytes: 8 * MIB, deletedBytes: 4 * MIB });
        await gateway.setSchedule(this.taskId, { kind: 'interval', everySeconds: SCHEDULE_SECONDS });
        const round = await this.#ended('a scheduled round', ({ trigger }) => trigger === 'schedule');
        await gateway.removeSchedule(this.taskId);
        // The next one may have started just before.
        await this.#until('the schedule to rest', isAtRest, ROUND_BOUND_MS);
        return round;
      },
      (round) => `every ${SCHEDULE_SECONDS} s; ${roundInWords(round)}`,
    );
  }

  async cutover(business: RunningProgram): Promise<TaskDocument> {
    const { log } = this.context;
    const { gateway, source } = this.setting;
    await log.step(
      'Cutover requested',
      async () => {
        await gateway.requestCutover(this.taskId);
        await business.stop();
        // A file system that stays writable rewrites its superblock once the final round lets go of it, and the
        // two sides could no longer be compared byte by byte.
        await source.remountReadOnly();
        await gateway.confirmSourceServicesStopped(this.taskId);
      },
      () => 'business service stopped, its file system read-only; the source itself runs on',
    );
    await log.step(
      'Final round',
      () => this.#ended('the final round', ({ roundKind }) => roundKind === 'final'),
      roundInWords,
    );
    await log.step(
      'Verification',
      () => this.#until('the verification', isVerified, CUTOVER_BOUND_MS),
      ({ replication }) => `digests of ${replication?.verification.target.length ?? 0} disk(s) equal on both sides`,
    );
    return log.step(
      'Take-over',
      () => this.#until('the take-over', isCompleted, CUTOVER_BOUND_MS),
      ({ cutover }) => `the target boots from its disk: ${cutover.status}`,
    );
  }

  #until<Found>(what: string, pick: (document: TaskDocument) => Found | undefined, boundMs: number): Promise<Found> {
    return this.follower.until(what, pick, boundMs, this.context.signal);
  }

  async #ended(what: string, isIt: (round: SyncRoundView) => boolean): Promise<SyncRoundView> {
    const hasEnded = ({ replication }: TaskDocument) =>
      replication?.rounds.find((round) => isIt(round) && round.endedAt !== null);
    const round = await this.#until(what, hasEnded, ROUND_BOUND_MS);
    if (round.status === 'completed') return round;
    throw new Error(`Round ${round.number} failed: ${round.failure?.code ?? ''}: ${round.failure?.detail ?? ''}`);
  }
}

const hasLeft = (phase: string) => (document: TaskDocument) => (document.task.phase === phase ? undefined : document);

const isAtRest = (document: TaskDocument) => (document.replication?.activity === 'idle' ? document : undefined);

const isVerified = (document: TaskDocument) =>
  document.replication?.verification.status === 'verified' ? document : undefined;

const isCompleted = (document: TaskDocument) => (document.task.status === 'completed' ? document : undefined);

function roundInWords(round: SyncRoundView): string {
  const { sentBytes, usedBytes, ratio } = totalsOf(round);
  const part = ratio === null ? '' : ` (${(ratio * 100).toFixed(1)} %)`;
  return `${sizeInWords(sentBytes)} sent of ${sizeInWords(usedBytes)} used${part}`;
}
