import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type * as z from 'zod';
import { planningCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order, Question } from '../openapi/answers.decorator.js';
import { cancelledTaskExample, compensationLedgerExample, taskDocumentExample } from '../openapi/examples.js';
import { NoFields } from '../requests/no-fields.dto.js';
import { Origin } from '../requests/origin.decorator.js';
import { Cancellation } from './cancellation.dto.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import type { TaskDocument } from './task-document.js';

@Controller(`${API_ROOT}/migration-tasks/:taskId`)
@ApiTags('pause and cancellation')
export class CancellationController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Post('cancel')
  @HttpCode(202)
  @Order(
    'Cancel a task',
    ['PLANNING.TASK_NOT_FOUND', 'PLANNING.TASK_CANCELLED', 'PLANNING.TOO_LATE_TO_CANCEL', 'PLANNING.TASK_ENDED'],
    'Transfer ends now. At `cleanUpAt` everything that was created for the task is removed, the target with its disks above all; until then the cancellation can be withdrawn. The source is never touched.',
  )
  @ApiBody({ type: Cancellation, required: false })
  @Gives(
    202,
    'MigrationTaskDocument',
    'The task is cancelled; `cleanUpAt` says until when it can be kept.',
    cancelledTaskExample,
  )
  async cancelMigrationTask(
    @Param() { taskId }: MigrationTaskPath,
    @Body() { graceSeconds }: Cancellation,
    @Origin() origin: CallOrigin,
  ): Promise<TaskDocument> {
    await this.tasks.task(taskId, origin);
    const task = await this.bus.call(
      planningCalls.cancelMigrationTask,
      { taskId, graceSeconds: graceSeconds ?? null },
      origin,
    );
    return this.tasks.documentOf(task, origin);
  }

  @Post('withdraw-cancellation')
  @HttpCode(202)
  @Order('Keep a cancelled task whose clean-up has not begun', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_NOT_CANCELLED',
    'PLANNING.TASK_CANCELLED',
    'PLANNING.TASK_ENDED',
  ])
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'MigrationTaskDocument', 'The task goes on where it was.', taskDocumentExample)
  async withdrawCancellation(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<TaskDocument> {
    await this.tasks.task(taskId, origin);
    const task = await this.bus.call(planningCalls.withdrawCancellation, { taskId }, origin);
    return this.tasks.documentOf(task, origin);
  }

  @Get('ledger')
  @Question(
    'Read what was created outside for a task, and what has become of it',
    ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'],
    'Known from recorded events alone. After a clean-up every entry is `removed`.',
  )
  @Gives(200, 'CompensationLedger', 'One entry for each thing.', compensationLedgerExample)
  async readCompensationLedger(
    @Param() { taskId }: MigrationTaskPath,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof planningCalls.readCompensationLedger.reply>> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.readCompensationLedger, { taskId }, origin);
  }
}
