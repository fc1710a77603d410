import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { planningCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order } from '../openapi/answers.decorator.js';
import { pausedTaskExample, taskDocumentExample } from '../openapi/examples.js';
import { NoFields } from '../requests/no-fields.dto.js';
import { Origin } from '../requests/origin.decorator.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import type { TaskDocument } from './task-document.js';

@Controller(`${API_ROOT}/migration-tasks/:taskId`)
@ApiTags('pause and cancellation')
export class PauseController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Post('pause')
  @HttpCode(202)
  @Order(
    'Hold a task where it is',
    ['PLANNING.TASK_NOT_FOUND', 'PLANNING.TASK_PAUSED', 'PLANNING.TASK_CANCELLED', 'PLANNING.TASK_ENDED'],
    'The round in hand stops within moments and keeps what it has; no resume window runs out meanwhile.',
  )
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'MigrationTaskDocument', 'The task is paused.', pausedTaskExample)
  async pauseMigrationTask(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<TaskDocument> {
    await this.tasks.task(taskId, origin);
    const task = await this.bus.call(planningCalls.pauseMigrationTask, { taskId }, origin);
    return this.tasks.documentOf(task, origin);
  }

  @Post('resume')
  @HttpCode(202)
  @Order('Let a paused task go on where it was held', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_NOT_PAUSED',
    'PLANNING.TASK_CANCELLED',
    'PLANNING.TASK_ENDED',
  ])
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'MigrationTaskDocument', 'The task goes on.', taskDocumentExample)
  async resumeMigrationTask(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<TaskDocument> {
    await this.tasks.task(taskId, origin);
    const task = await this.bus.call(planningCalls.resumeMigrationTask, { taskId }, origin);
    return this.tasks.documentOf(task, origin);
  }
}
