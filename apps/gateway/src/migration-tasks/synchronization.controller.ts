import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type * as z from 'zod';
import { type MigrationTaskView, type Schedule, planningCalls, transferCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order, Question } from '../openapi/answers.decorator.js';
import { acknowledgedRangesExample, migrationTaskExample, syncRoundRequestedExample } from '../openapi/examples.js';
import { Origin } from '../requests/origin.decorator.js';
import { AcknowledgedRangesQuestion } from './acknowledged-ranges-question.dto.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import { CronSchedule, IntervalSchedule } from './schedule.dto.js';
import { SchedulePipe } from './schedule.pipe.js';
import { SyncRoundOrder } from './sync-round-order.dto.js';

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
      'TRANSFER.PAUSED',
      'TRANSFER.STOPPED',
    ],
    'While no full round has completed, it is the full round again. After a failed round digests are compared, and only what differs is sent (`comparison` is `rescan`), unless everything is to be sent again.',
  )
  @ApiBody({ type: SyncRoundOrder, required: false })
  @Gives(202, 'SyncRoundRequested', 'The round runs.', syncRoundRequestedExample)
  async startSyncRound(
    @Param() { taskId }: MigrationTaskPath,
    @Body() { resend = false }: SyncRoundOrder,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof transferCalls.startSyncRound.reply>> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(transferCalls.startSyncRound, { taskId, trigger: 'manual', resend }, origin);
  }

  @Get('acknowledged-ranges')
  @Question(
    'Read what the target is known to hold durably',
    ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'],
    'Ranges are joined and in order. Empty while nothing was acknowledged.',
  )
  @Gives(200, 'AcknowledgedRanges', 'The ranges of each disk.', acknowledgedRangesExample)
  async readAcknowledgedRanges(
    @Param() { taskId }: MigrationTaskPath,
    @Query() { roundId }: AcknowledgedRangesQuestion,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof transferCalls.readAcknowledgedRanges.reply>> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(transferCalls.readAcknowledgedRanges, { taskId, roundId: roundId ?? null }, origin);
  }

  @Put('schedule')
  @Order('Set when incremental rounds start by themselves', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_CANCELLED',
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
  @Order('Let no rounds start by themselves', ['PLANNING.TASK_NOT_FOUND'])
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
