import { Injectable } from '@nestjs/common';
import { type MigrationTaskView, cutoverCalls, planningCalls, transferCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { questionOf } from '../requests/origin.decorator.js';
import type { TaskDocument } from './task-document.js';

/** Reads tasks. What belongs to a task lies with several services; whether there is the task, planning knows. */
@Injectable()
export class MigrationTaskReader {
  constructor(private readonly bus: ServiceBus) {}

  /** @throws DomainError `PLANNING.TASK_NOT_FOUND` */
  async task(taskId: string, origin: CallOrigin): Promise<MigrationTaskView> {
    return this.bus.call(planningCalls.getMigrationTask, { taskId }, questionOf(origin));
  }

  /** @throws DomainError `PLANNING.TASK_NOT_FOUND` */
  async document(taskId: string, origin: CallOrigin): Promise<TaskDocument> {
    return this.documentOf(await this.task(taskId, origin), origin);
  }

  /** Everything else about a task that planning has just told of. */
  async documentOf(task: MigrationTaskView, origin: CallOrigin): Promise<TaskDocument> {
    const { taskId } = task;
    const [replication, cutover] = await Promise.all([
      this.bus.call(transferCalls.getReplication, { taskId }, questionOf(origin)),
      this.bus.call(cutoverCalls.getCutover, { taskId }, questionOf(origin)),
    ]);
    return { task, replication, cutover };
  }
}
