import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type * as z from 'zod';
import { type MigrationTaskView, planningCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order, Question } from '../openapi/answers.decorator.js';
import {
  migrationTaskExample,
  preCheckExample,
  recordedEventExample,
  taskDocumentExample,
} from '../openapi/examples.js';
import { NoFields } from '../requests/no-fields.dto.js';
import { Origin } from '../requests/origin.decorator.js';
import { MigrationTaskOrder, orderOf } from './migration-task-order.dto.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import { DEFAULT_EVENTS, DEFAULT_TASKS, EventPage, MigrationTaskPage } from './page.dto.js';
import type { TaskDocument } from './task-document.js';

const ORDER_CODES = [
  'TRANSFER.SOURCE_NOT_ENROLLED',
  'PROVISIONING.SITE_NOT_FOUND',
  'PLANNING.SOURCE_WITHOUT_INVENTORY',
  'PLANNING.DISK_NOT_FOUND',
] as const;

@Controller(`${API_ROOT}/migration-tasks`)
@ApiTags('migration tasks')
export class MigrationTasksController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Post('check')
  @HttpCode(200)
  @Order('Run the pre-checks of an order without creating a task', ORDER_CODES)
  @Gives(200, 'PreCheckReport', 'What was found; a critical concern would refuse the task.', preCheckExample)
  async checkMigrationTask(
    @Body() order: MigrationTaskOrder,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof planningCalls.checkMigrationTask.reply>> {
    return this.bus.call(planningCalls.checkMigrationTask, orderOf(order), origin);
  }

  @Post()
  @Order('Create a migration task', [...ORDER_CODES, 'PLANNING.SOURCE_BUSY', 'PLANNING.PRE_CHECKS_FAILED'])
  @Gives(201, 'MigrationTask', 'The task. Its target is being prepared.', migrationTaskExample, {
    Location: { description: 'Path of the task.', schema: { type: 'string' } },
  })
  async createMigrationTask(
    @Body() order: MigrationTaskOrder,
    @Origin() origin: CallOrigin,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MigrationTaskView> {
    const task = await this.bus.call(planningCalls.createMigrationTask, orderOf(order), origin);
    response.location(`/${API_ROOT}/migration-tasks/${task.taskId}`);
    return task;
  }

  @Get()
  @Question('List migration tasks', ['REQUEST.INVALID'])
  @Gives(200, 'MigrationTaskList', 'A page.', { tasks: [migrationTaskExample], next: null })
  async listMigrationTasks(
    @Query() { after, limit = DEFAULT_TASKS }: MigrationTaskPage,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof planningCalls.listMigrationTasks.reply>> {
    return this.bus.call(planningCalls.listMigrationTasks, { after: after ?? null, limit }, origin);
  }

  @Get(':taskId')
  @Question('Read a migration task with its replication and cutover', ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'])
  @Gives(200, 'MigrationTaskDocument', 'The task.', taskDocumentExample)
  async getMigrationTask(@Param() { taskId }: MigrationTaskPath, @Origin() origin: CallOrigin): Promise<TaskDocument> {
    return this.tasks.document(taskId, origin);
  }

  @Post(':taskId/retry')
  @HttpCode(202)
  @Order('Let a halted task go on from where it can', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_NOT_HALTED',
    'PLANNING.TASK_PAUSED',
    'PLANNING.TASK_CANCELLED',
    'PLANNING.TASK_ENDED',
  ])
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'MigrationTask', 'The task goes on.', migrationTaskExample)
  async retryMigrationTask(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<MigrationTaskView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.retryMigrationTask, { taskId }, origin);
  }

  @Get(':taskId/events')
  @Question('Read the recorded events of a task, oldest first', ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'])
  @Gives(200, 'RecordedEventPage', 'A page.', { events: [recordedEventExample], next: '1042' })
  async readTaskEvents(
    @Param() { taskId }: MigrationTaskPath,
    @Query() { after, limit = DEFAULT_EVENTS }: EventPage,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof planningCalls.readTaskEvents.reply>> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.readTaskEvents, { taskId, after: after ?? null, limit }, origin);
  }
}
