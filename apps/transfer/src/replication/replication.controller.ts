import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, transferCalls } from '#libs/contracts';
import { type CommandContext, type Handled, correlatedBy, handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import { joinAcknowledged } from '../acknowledged-ranges/join-acknowledged.js';
import type { ReplicationCommand } from './domain/replication.commands.js';
import type { ReplicationEvent } from './domain/replication.events.js';
import type { ReplicationState } from './domain/replication.state.js';
import { findReplication, replicationProjection } from './read-model/replication.projection.js';
import { replications } from './replication.aggregate.js';

@Controller()
export class ReplicationController {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly acknowledgedRanges: AcknowledgedRanges,
  ) {}

  @Answers(transferCalls.startFullSync)
  async startFullSync(
    replication: RequestOf<typeof transferCalls.startFullSync>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.startFullSync>> {
    await this.#handle(replication.taskId, { type: 'StartFullSync', replication }, context);
    return {};
  }

  @Answers(transferCalls.startSyncRound)
  async startSyncRound(
    { taskId, trigger, resend }: RequestOf<typeof transferCalls.startSyncRound>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.startSyncRound>> {
    const { events } = await this.#handle(taskId, { type: 'StartSyncRound', trigger, resend }, context);
    const started = events.find((event) => event.type === 'SyncRoundStarted');
    const skipped = events.find((event) => event.type === 'SyncRoundSkipped');
    return { roundId: started?.data.roundId ?? null, skipped: skipped?.data.reason ?? null };
  }

  @Answers(transferCalls.startFinalSync)
  async startFinalSync(
    { taskId }: RequestOf<typeof transferCalls.startFinalSync>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.startFinalSync>> {
    await this.#handle(taskId, { type: 'StartFinalSync' }, context);
    return {};
  }

  @Answers(transferCalls.verifyReplica)
  async verifyReplica(
    { taskId }: RequestOf<typeof transferCalls.verifyReplica>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.verifyReplica>> {
    await this.#handle(taskId, { type: 'StartVerification' }, context);
    return {};
  }

  @Answers(transferCalls.adjustThrottle)
  async adjustThrottle(
    { taskId, throttle }: RequestOf<typeof transferCalls.adjustThrottle>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.adjustThrottle>> {
    await this.#handle(taskId, { type: 'AdjustThrottle', throttle }, context);
    return {};
  }

  @Answers(transferCalls.pauseReplication)
  async pause(
    { taskId }: RequestOf<typeof transferCalls.pauseReplication>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.pauseReplication>> {
    await this.#handle(taskId, { type: 'PauseReplication' }, context);
    return {};
  }

  @Answers(transferCalls.resumeReplication)
  async resume(
    { taskId }: RequestOf<typeof transferCalls.resumeReplication>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.resumeReplication>> {
    await this.#handle(taskId, { type: 'ResumeReplication' }, context);
    return {};
  }

  @Answers(transferCalls.stopReplication)
  async stop(
    { taskId }: RequestOf<typeof transferCalls.stopReplication>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.stopReplication>> {
    await this.#handle(taskId, { type: 'StopReplication' }, context);
    return {};
  }

  @Answers(transferCalls.reinstateReplication)
  async reinstate(
    { taskId }: RequestOf<typeof transferCalls.reinstateReplication>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.reinstateReplication>> {
    await this.#handle(taskId, { type: 'ReinstateReplication' }, context);
    return {};
  }

  @Answers(transferCalls.getReplication)
  async get({
    taskId,
  }: RequestOf<typeof transferCalls.getReplication>): Promise<ReplyOf<typeof transferCalls.getReplication>> {
    return findReplication(this.dataSource, taskId);
  }

  @Answers(transferCalls.readAcknowledgedRanges)
  async readAcknowledgedRanges({
    taskId,
    roundId,
  }: RequestOf<typeof transferCalls.readAcknowledgedRanges>): Promise<
    ReplyOf<typeof transferCalls.readAcknowledgedRanges>
  > {
    return { disks: joinAcknowledged(await this.acknowledgedRanges.read(taskId), roundId) };
  }

  async #handle(
    taskId: string,
    command: ReplicationCommand,
    context: CommandContext,
  ): Promise<Handled<ReplicationState, ReplicationEvent>> {
    const handled = await handleCommand(this.store, replications, taskId, command, correlatedBy(context, taskId));
    await waitForPosition(this.dataSource, replicationProjection.name, handled.position);
    return handled;
  }
}
