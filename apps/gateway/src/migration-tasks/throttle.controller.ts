import { Body, Controller, Param, Put } from '@nestjs/common';
import { ApiExtraModels, ApiTags } from '@nestjs/swagger';
import { type MigrationTaskView, planningCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order } from '../openapi/answers.decorator.js';
import { migrationTaskExample } from '../openapi/examples.js';
import { Origin } from '../requests/origin.decorator.js';
import { MigrationTaskPath } from './migration-task-path.dto.js';
import { MigrationTaskReader } from './migration-task-reader.js';
import { Throttle, ThrottleCalendar } from './throttle.dto.js';

@Controller(`${API_ROOT}/migration-tasks/:taskId/throttle`)
@ApiTags('synchronization')
@ApiExtraModels(ThrottleCalendar)
export class ThrottleController {
  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  @Put()
  @Order(
    'Set what a task may take of its source',
    ['PLANNING.TASK_NOT_FOUND', 'PLANNING.TASK_CANCELLED', 'PLANNING.TASK_ENDED', 'PLANNING.THROTTLE_INVALID'],
    'Replaces all caps; what is left out takes its default. A round in hand goes on with them within moments. The agent follows the calendar by its own clock, also while the server is away.',
  )
  @Gives(200, 'MigrationTask', 'The task with its settings.', migrationTaskExample)
  async setThrottle(
    @Param() { taskId }: MigrationTaskPath,
    @Body() throttle: Throttle,
    @Origin() origin: CallOrigin,
  ): Promise<MigrationTaskView> {
    await this.tasks.task(taskId, origin);
    return this.bus.call(planningCalls.adjustThrottle, { taskId, throttle }, origin);
  }
}
