import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, transferCalls } from '#libs/contracts';
import { type CommandContext, type Handled, correlatedBy, handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
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
    { taskId, trigger }: RequestOf<typeof transferCalls.startSyncRound>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.startSyncRound>> {
    const { events } = await this.#handle(taskId, { type: 'StartSyncRound', trigger }, context);
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

  @Answers(transferCalls.getReplication)
  async get({
    taskId,
  }: RequestOf<typeof transferCalls.getReplication>): Promise<ReplyOf<typeof transferCalls.getReplication>> {
    return findReplication(this.dataSource, taskId);
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
