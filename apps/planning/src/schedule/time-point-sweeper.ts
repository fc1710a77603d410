import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { type CommandContext, handleCommand, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Sweeper } from '#libs/projections';
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
export class TimePointSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeper: Sweeper<MigrationTask>;

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    this.#sweeper = new Sweeper(
      {
        name: 'the sweep for time points',
        everyMs: SWEEP_EVERY_MS,
        due: (now) => this.#due(now),
        handle: (task, now) => this.#reach(task, now),
        describe: ({ taskId }) => `task ${taskId}`,
      },
      new Logger('TimePointSweeper'),
    );
  }

  onApplicationBootstrap(): void {
    this.#sweeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#sweeper.stop();
  }

  async sweep(now: Date): Promise<void> {
    await this.#sweeper.sweep(now);
  }

  async #due(now: Date): Promise<MigrationTask[]> {
    const due = await this.dataSource.getRepository(MigrationTaskRow).find({
      where: { nextTimePoint: LessThanOrEqual(now) },
      order: { nextTimePoint: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    return due.map(({ state }) => state);
  }

  async #reach({ taskId, schedule, generation, nextTimePoint: timePoint }: MigrationTask, now: Date): Promise<void> {
    if (schedule === null || timePoint === null) return;
    const commandId = uuidV5(taskId, `time-point:${generation}:${timePoint}`);
    const context: CommandContext = {
      commandId,
      correlationId: taskId,
      causationId: commandId,
      actor: 'service:planning',
      now: now.toISOString(),
    };
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
