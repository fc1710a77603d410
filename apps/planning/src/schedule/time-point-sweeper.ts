import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { type CommandContext, handleCommand, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { pause } from '#libs/projections';
import type { MigrationTask } from '../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { MigrationTaskRow } from '../migration-task/read-model/migration-task.projection.js';
import { nextTimePoint } from './next-time-point.js';

const SWEEP_EVERY_MS = 500;
const DUE_PER_SWEEP = 100;

/**
 * Finds synchronization time points that are due and says so to their tasks. The table is a projection of events, so
 * a time point that ran out while everything was down is found at the first sweep; any number of replicas may sweep,
 * the task's stream records one outcome.
 */
@Injectable()
export class TimePointSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #log = new Logger('TimePointSweeper');
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#sweepForever();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #sweepForever(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.sweep(new Date());
      } catch (error) {
        this.#log.warn(`sweep failed, the next one tries again: ${String(error)}`);
      }
      await pause(SWEEP_EVERY_MS, this.#stopping.signal);
    }
  }

  async sweep(now: Date): Promise<void> {
    const due = await this.dataSource.getRepository(MigrationTaskRow).find({
      where: { nextTimePoint: LessThanOrEqual(now) },
      order: { nextTimePoint: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    for (const { state: task } of due) {
      try {
        await this.#reach(task, now);
      } catch (error) {
        // One task that cannot be told must not keep the others from their turn.
        this.#log.warn(`the time point of task ${task.taskId} is told again at the next sweep: ${String(error)}`);
      }
    }
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
    const next = nextTimePoint(schedule, timePoint, context.now);
    const command = { type: 'ReachTimePoint', generation, timePoint, nextTimePoint: next } as const;
    await handleCommand(this.store, migrationTasks, taskId, command, context);
  }
}
