import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { type CommandContext, handleCommand, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Sweeper } from '#libs/projections';
import type { MigrationTask } from '../migration-task/domain/migration-task.state.js';
import { migrationTasks } from '../migration-task/migration-task.aggregate.js';
import { MigrationTaskRow } from '../migration-task/read-model/migration-task.projection.js';

const SWEEP_EVERY_MS = 500;
const DUE_PER_SWEEP = 100;

/**
 * Finds tasks whose grace period is over and says so to them. Any number of replicas may sweep, and the read model may
 * be late: the task knows the generation of the clean-up that it waits for, and begins that one once.
 */
@Injectable()
export class CleanUpSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeper: Sweeper<MigrationTask>;

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    this.#sweeper = new Sweeper(
      {
        name: 'the sweep for clean-ups',
        everyMs: SWEEP_EVERY_MS,
        due: (now) => this.#due(now),
        handle: (task, now) => this.#reach(task, now),
        describe: ({ taskId }) => `task ${taskId}`,
      },
      new Logger('CleanUpSweeper'),
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
      where: { cleanUpAt: LessThanOrEqual(now) },
      order: { cleanUpAt: 'ASC' },
      take: DUE_PER_SWEEP,
    });
    return due.map(({ state }) => state);
  }

  async #reach({ taskId, cleanUp }: MigrationTask, now: Date): Promise<void> {
    if (cleanUp === null) return;
    const { generation } = cleanUp;
    const commandId = uuidV5(taskId, `clean-up:${generation}`);
    const context: CommandContext = {
      commandId,
      correlationId: taskId,
      causationId: commandId,
      actor: 'service:planning',
      now: now.toISOString(),
    };
    await handleCommand(this.store, migrationTasks, taskId, { type: 'ReachCleanUp', generation }, context);
  }
}
