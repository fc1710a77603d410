import { Body, Controller, Delete, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { z } from 'zod';
import { type MigrationTaskView, type Schedule, planningCalls, transferCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order } from '../openapi/answers.decorator.js';
import { migrationTaskExample, syncRoundRequestedExample } from '../openapi/examples.js';
import { NoFields } from '../requests/no-fields.dto.js';
import { Origin } from '../requests/origin.decorator.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import { CronSchedule, IntervalSchedule } from './schedule.dto.js';
import { SchedulePipe } from './schedule.pipe.js';

@Controller(`${API_ROOT}/migration-tasks/:taskId`)
@ApiTags('synchronization')
@ApiExtraModels(IntervalSchedule, CronSchedule)
export class SynchronizationController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Post('rounds')
  @HttpCode(202)
  @Order(
    'Start an incremental round',
    [
      'PLANNING.TASK_NOT_FOUND',
      'TRANSFER.NOT_STARTED',
      'TRANSFER.ROUND_RUNNING',
      'TRANSFER.FINAL_SYNC_PENDING',
      'TRANSFER.FINISHED',
    ],
    'While no full round has completed, it is the full round again.',
  )
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'SyncRoundRequested', 'The round runs.', syncRoundRequestedExample)
  async startSyncRound(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof transferCalls.startSyncRound.reply>> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(transferCalls.startSyncRound, { taskId, trigger: 'manual' }, origin);
  }

  @Put('schedule')
  @Order('Set when incremental rounds start by themselves', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_ENDED',
    'PLANNING.SCHEDULE_INVALID',
  ])
  @ApiBody({
    schema: {
      oneOf: [{ $ref: getSchemaPath(IntervalSchedule) }, { $ref: getSchemaPath(CronSchedule) }],
      discriminator: {
        propertyName: 'kind',
        mapping: { interval: getSchemaPath(IntervalSchedule), cron: getSchemaPath(CronSchedule) },
      },
    },
  })
  @Gives(200, 'MigrationTask', 'The task with its schedule and next time point.', migrationTaskExample)
  async setSchedule(
    @Param() { taskId }: MigrationTaskPath,
    @Body(new SchedulePipe()) schedule: Schedule,
    @Origin() origin: CallOrigin,
  ): Promise<MigrationTaskView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.setSchedule, { taskId, schedule }, origin);
  }

  @Delete('schedule')
  @Order('Let no rounds start by themselves', ['PLANNING.TASK_NOT_FOUND', 'PLANNING.TASK_ENDED'])
  @Gives(200, 'MigrationTask', 'The task without a schedule.', {
    ...migrationTaskExample,
    schedule: null,
    nextTimePoint: null,
  })
  async removeSchedule(
    @Param() { taskId }: MigrationTaskPath,
    @Origin() origin: CallOrigin,
  ): Promise<MigrationTaskView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.setSchedule, { taskId, schedule: null }, origin);
  }
}
