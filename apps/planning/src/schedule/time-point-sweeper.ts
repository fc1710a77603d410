import { Injectable } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { handleCommand, timerContext } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { SweepingProvider } from '#libs/service-kit';
import type { MigrationTask } from '../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { MigrationTaskRow } from '../migration-task/read-model/migration-task.projection.js';
import { isOverdue, nextTimePoint } from './next-time-point.js';

const SWEEP_EVERY_MS = 500;
const DUE_PER_SWEEP = 100;

/**
 * Finds synchronization time points that are due and says so to their tasks. The table is a projection of events, so
 * a time point that ran out while everything was down is found at the first sweep; any number of replicas may sweep,
 * the task's stream records one outcome.
 */
@Injectable()
export class TimePointSweeper extends SweepingProvider<MigrationTask> {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    super({ name: 'the sweep for time points', everyMs: SWEEP_EVERY_MS });
  }

  protected describe({ taskId }: MigrationTask): string {
    return `task ${taskId}`;
  }

  protected async due(now: Date): Promise<MigrationTask[]> {
    const due = await this.dataSource.getRepository(MigrationTaskRow).find({
      where: { nextTimePoint: LessThanOrEqual(now) },
      order: { nextTimePoint: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    return due.map(({ state }) => state);
  }

  protected async handle(
    { taskId, schedule, generation, nextTimePoint: timePoint }: MigrationTask,
    now: Date,
  ): Promise<void> {
    if (schedule === null || timePoint === null) return;
    const context = timerContext(taskId, `time-point:${generation}:${timePoint}`, {
      correlationId: taskId,
      actor: 'service:planning',
      now: now.toISOString(),
    });
    const command = {
      type: 'ReachTimePoint',
      generation,
      timePoint,
      nextTimePoint: nextTimePoint(schedule, timePoint, context.now),
      isOverdue: isOverdue(schedule, timePoint, context.now),
    } as const;
    await handleCommand(this.store, migrationTasks, taskId, command, context);
  }
}
