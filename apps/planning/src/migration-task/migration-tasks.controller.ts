import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type MigrationTaskView, type Schedule, type ReplyOf, type RequestOf, planningCalls } from '#libs/contracts';
import { type CommandContext, correlatedBy, handleCommand, load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
import { readCompensationLedger } from '../compensation-ledger/read-compensation-ledger.js';
import { nextTimePoint } from '../schedule/next-time-point.js';
import { readTaskEvents } from '../task-events/read-task-events.js';
import { CreateMigrationTask } from './commands/create-migration-task/create-migration-task.js';
import type { MigrationTaskCommand } from './domain/migration-task.commands.js';
import { taskNotFound } from './domain/migration-task.errors.js';
import { migrationTasks } from './migration-task.aggregate.js';
import {
  findMigrationTask,
  listMigrationTasks,
  migrationTaskProjection,
  viewOf,
} from './read-model/migration-task.projection.js';

@Controller()
export class MigrationTasksController {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly createTask: CreateMigrationTask,
  ) {}

  @Answers(planningCalls.checkMigrationTask)
  async check(
    order: RequestOf<typeof planningCalls.checkMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.checkMigrationTask>> {
    const { concerns, decisions, target } = await this.createTask.assess(order, context);
    return { concerns: [...concerns], decisions: [...decisions], target };
  }

  @Answers(planningCalls.createMigrationTask)
  async create(
    order: RequestOf<typeof planningCalls.createMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.createMigrationTask>> {
    return this.createTask.create(order, context);
  }

  @Answers(planningCalls.getMigrationTask)
  async get({
    taskId,
  }: RequestOf<typeof planningCalls.getMigrationTask>): Promise<ReplyOf<typeof planningCalls.getMigrationTask>> {
    const task = await findMigrationTask(this.dataSource, taskId);
    if (task === null) throw taskNotFound(taskId);
    return task;
  }

  @Answers(planningCalls.listMigrationTasks)
  async list({
    after,
    limit,
  }: RequestOf<typeof planningCalls.listMigrationTasks>): Promise<ReplyOf<typeof planningCalls.listMigrationTasks>> {
    return listMigrationTasks(this.dataSource, after, limit);
  }

  @Answers(planningCalls.setSchedule)
  async setSchedule(
    { taskId, schedule }: RequestOf<typeof planningCalls.setSchedule>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.setSchedule>> {
    return this.#handle(taskId, scheduleCommand(schedule, context.now), context);
  }

  @Answers(planningCalls.adjustThrottle)
  async adjustThrottle(
    { taskId, throttle }: RequestOf<typeof planningCalls.adjustThrottle>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.adjustThrottle>> {
    return this.#handle(taskId, { type: 'AdjustThrottle', throttle }, context);
  }

  @Answers(planningCalls.retryMigrationTask)
  async retry(
    { taskId }: RequestOf<typeof planningCalls.retryMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.retryMigrationTask>> {
    return this.#handle(taskId, { type: 'RetryMigrationTask' }, context);
  }

  @Answers(planningCalls.pauseMigrationTask)
  async pause(
    { taskId }: RequestOf<typeof planningCalls.pauseMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.pauseMigrationTask>> {
    return this.#handle(taskId, { type: 'PauseMigrationTask' }, context);
  }

  @Answers(planningCalls.resumeMigrationTask)
  async resume(
    { taskId }: RequestOf<typeof planningCalls.resumeMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.resumeMigrationTask>> {
    return this.#handle(taskId, { type: 'ResumeMigrationTask' }, context);
  }

  @Answers(planningCalls.cancelMigrationTask)
  async cancel(
    { taskId, graceSeconds }: RequestOf<typeof planningCalls.cancelMigrationTask>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.cancelMigrationTask>> {
    return this.#handle(taskId, { type: 'CancelMigrationTask', graceSeconds }, context);
  }

  @Answers(planningCalls.withdrawCancellation)
  async withdrawCancellation(
    { taskId }: RequestOf<typeof planningCalls.withdrawCancellation>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof planningCalls.withdrawCancellation>> {
    return this.#handle(taskId, { type: 'WithdrawCancellation' }, context);
  }

  @Answers(planningCalls.readCompensationLedger)
  async readLedger({
    taskId,
  }: RequestOf<typeof planningCalls.readCompensationLedger>): Promise<
    ReplyOf<typeof planningCalls.readCompensationLedger>
  > {
    return { entries: await readCompensationLedger(this.store, taskId) };
  }

  @Answers(planningCalls.readTaskEvents)
  async readEvents({
    taskId,
    after,
    limit,
  }: RequestOf<typeof planningCalls.readTaskEvents>): Promise<ReplyOf<typeof planningCalls.readTaskEvents>> {
    return readTaskEvents(this.store, taskId, after === null ? null : BigInt(after), limit);
  }

  async #handle(taskId: string, command: MigrationTaskCommand, context: CommandContext): Promise<MigrationTaskView> {
    const known = await load(this.store, migrationTasks, taskId);
    if (known.state === null) throw taskNotFound(taskId);
    const { state, position } = await handleCommand(
      this.store,
      migrationTasks,
      taskId,
      command,
      correlatedBy(context, taskId),
    );
    await waitForPosition(this.dataSource, migrationTaskProjection.name, position);
    return viewOf(state ?? known.state);
  }
}

const scheduleCommand = (schedule: Schedule | null, now: string): MigrationTaskCommand =>
  schedule === null
    ? { type: 'RemoveSyncSchedule' }
    : { type: 'ScheduleSync', schedule, nextTimePoint: nextTimePoint(schedule, null, now) };
