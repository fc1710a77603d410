import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { type CutoverView, cutoverCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { MigrationTaskPath } from '../migration-tasks/migration-task-path.dto.js';
import { MigrationTaskReader } from '../migration-tasks/migration-task-reader.js';
import { Gives, Order, Question } from '../openapi/answers.decorator.js';
import { cutoverExample } from '../openapi/examples.js';
import { NoFields } from '../requests/no-fields.dto.js';
import { Origin } from '../requests/origin.decorator.js';
import { SourceServicesStopped } from './source-services-stopped.dto.js';

@Controller(`${API_ROOT}/migration-tasks/:taskId/cutover`)
@ApiTags('cutover')
export class CutoverController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Post()
  @HttpCode(202)
  @Order('Request the cutover', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_CANCELLED',
    'CUTOVER.NO_FULL_SYNC',
    'CUTOVER.ALREADY_REQUESTED',
    'CUTOVER.ALREADY_TAKEN_OVER',
  ])
  @ApiBody({ type: NoFields, required: false })
  @Gives(202, 'Cutover', "It waits until the source's services are confirmed as stopped.", cutoverExample)
  async requestCutover(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: NoFields,
    @Origin() origin: CallOrigin,
  ): Promise<CutoverView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(cutoverCalls.requestCutover, { taskId }, origin);
  }

  @Post('source-services-stopped')
  @HttpCode(202)
  @Order('Confirm that the business services on the source are stopped', [
    'PLANNING.TASK_NOT_FOUND',
    'PLANNING.TASK_CANCELLED',
    'CUTOVER.NO_FULL_SYNC',
    'CUTOVER.NOT_REQUESTED',
    'CUTOVER.ALREADY_TAKEN_OVER',
  ])
  @Gives(202, 'Cutover', 'The final round begins.', {
    ...cutoverExample,
    status: 'final-sync-approved',
    sourceServicesStoppedAt: '2026-03-02T20:02:00.000Z',
  })
  async confirmSourceServicesStopped(
    @Param() { taskId }: MigrationTaskPath,
    @Body() _body: SourceServicesStopped,
    @Origin() origin: CallOrigin,
  ): Promise<CutoverView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(cutoverCalls.confirmSourceServicesStopped, { taskId }, origin);
  }

  @Get()
  @Question('Read the cutover', ['REQUEST.INVALID', 'PLANNING.TASK_NOT_FOUND'])
  @Gives(200, 'Cutover', 'How far it is.', cutoverExample)
  async getCutover(@Param() { taskId }: MigrationTaskPath, @Origin() origin: CallOrigin): Promise<CutoverView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(cutoverCalls.getCutover, { taskId }, origin);
  }
}
