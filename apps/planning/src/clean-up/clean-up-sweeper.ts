import { Injectable } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { handleCommand, timerContext } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { SweepingProvider } from '#libs/service-kit';
import type { MigrationTask } from '../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { MigrationTaskRow } from '../migration-task/read-model/migration-task.projection.js';

/** Grace periods are hours. */
const SWEEP_EVERY_MS = 5_000;
const DUE_PER_SWEEP = 100;

/**
 * Finds tasks whose grace period is over and says so to them. Any number of replicas may sweep, and the read model may
 * be late: the task knows the generation of the clean-up that it waits for, and begins that one once.
 */
@Injectable()
export class CleanUpSweeper extends SweepingProvider<MigrationTask> {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    super({ name: 'the sweep for clean-ups', everyMs: SWEEP_EVERY_MS });
  }

  protected describe({ taskId }: MigrationTask): string {
    return `task ${taskId}`;
  }

  protected async due(now: Date): Promise<MigrationTask[]> {
    const due = await this.dataSource.getRepository(MigrationTaskRow).find({
      where: { cleanUpAt: LessThanOrEqual(now) },
      order: { cleanUpAt: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    return due.map(({ state }) => state);
  }

  protected async handle({ taskId, cleanUp }: MigrationTask, now: Date): Promise<void> {
    if (cleanUp === null) return;
    const { generation } = cleanUp;
    const context = timerContext(taskId, `clean-up:${generation}`, {
      correlationId: taskId,
      actor: 'service:planning',
      now: now.toISOString(),
    });
    await handleCommand(this.store, migrationTasks, taskId, { type: 'ReachCleanUp', generation }, context);
  }
}
