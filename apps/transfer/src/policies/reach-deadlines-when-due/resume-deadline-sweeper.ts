import { Inject, Injectable } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { handleCommand, load, timerContext } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { SweepingProvider } from '#libs/service-kit';
import { DataSeen } from '../../control-channel/data-seen/data-seen.js';
import { endpoints } from '../../endpoint/endpoint.aggregate.js';
import { type Replication, dueAtOf } from '../../replication/domain/replication.state.js';
import { ReplicationRow } from '../../replication/read-model/replication.projection.js';
import { replications } from '../../replication/replication.aggregate.js';
import { TRANSFER_CONFIG, type TransferConfig } from '../../transfer.config.js';
import { absentEndOf, signOfLife } from './sign-of-life.decision.js';

const SWEEP_EVERY_MS = 500;
const DUE_PER_SWEEP = 100;

/**
 * Finds resume windows and retries that are due and says so to their replications. The table is a projection of
 * events, so a window that ran out while everything was down is found after the start, with its true deadline; any
 * number of replicas may sweep, the replication's stream records one outcome.
 *
 * It begins late: ends that were cut off by this service's own absence dial again within about 8 s, and have to say
 * what happened meanwhile before their windows are judged.
 */
@Injectable()
export class ResumeDeadlineSweeper extends SweepingProvider<Replication> {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly dataSeen: DataSeen,
    @Inject(TRANSFER_CONFIG) config: TransferConfig,
  ) {
    super({
      name: 'the sweep for resume windows and retries',
      everyMs: SWEEP_EVERY_MS,
      settleMs: config.DEADLINE_SETTLE_SECONDS * 1000,
    });
  }

  protected describe({ taskId }: Replication): string {
    return `task ${taskId}`;
  }

  protected async due(now: Date): Promise<Replication[]> {
    const due = await this.dataSource.getRepository(ReplicationRow).find({
      where: { dueAt: LessThanOrEqual(now) },
      order: { dueAt: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    return due.map(({ state }) => state);
  }

  protected async handle(replication: Replication, at: Date): Promise<void> {
    const now = at.toISOString();
    const { taskId, generation } = replication;
    const dueAt = dueAtOf(replication);
    if (dueAt === null) return;
    // The deadline is part of the id: a window that was extended comes to another one.
    const context = timerContext(taskId, `deadline:${generation}:${dueAt}`, {
      correlationId: taskId,
      actor: 'service:transfer',
      now,
    });
    const seenAt = await this.#seenAt(replication, now);
    await handleCommand(this.store, replications, taskId, { type: 'ReachDeadline', generation, seenAt }, context);
  }

  async #seenAt(replication: Replication, now: string): Promise<string | null> {
    const absent = absentEndOf(replication);
    if (absent === null) return null;
    const endpointId = absent === 'agent' ? replication.sourceMachineId : replication.restorerId;
    const { state } = await load(this.store, endpoints, endpointId);
    const isConnected = (state?.connectionId ?? null) !== null;
    return signOfLife(absent, { isConnected, dataSeenAt: this.dataSeen.newestOf(replication.taskId), now });
  }
}
