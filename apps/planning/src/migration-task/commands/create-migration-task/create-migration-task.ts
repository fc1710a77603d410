import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type MigrationTaskView, provisioningCalls, transferCalls } from '#libs/contracts';
import { type CommandContext, DomainError, correlatedBy, handleCommand, load, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { ServiceBus } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
import { isRefused } from '../../../pre-check/run-pre-checks.js';
import { migrationTasks } from '../../migration-task.aggregate.js';
import { findOpenTaskOf, migrationTaskProjection, viewOf } from '../../read-model/migration-task.projection.js';
import { type AssessedOrder, type MigrationTaskOrder, assessOrder } from './assess-order.js';
import { disksOf } from './disks-of.js';
import { settingsOf } from './settings-of.js';

/** Takes an order for one machine: gathers what it is about, runs the pre-checks, records the task. */
@Injectable()
export class CreateMigrationTask {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
    private readonly bus: ServiceBus,
  ) {}

  /** @throws DomainError when machine or site are unknown */
  async assess(order: MigrationTaskOrder, context: CommandContext): Promise<AssessedOrder> {
    const [source, site] = await Promise.all([
      this.bus.call(transferCalls.getSourceMachine, { sourceMachineId: order.sourceMachineId }, context),
      this.bus.call(provisioningCalls.getHciSite, { siteId: order.siteId }, context),
    ]);
    return assessOrder(order, source, site);
  }

  async create(order: MigrationTaskOrder, context: CommandContext): Promise<MigrationTaskView> {
    const taskId = uuidV5(context.commandId, 'task');
    const before = await load(this.store, migrationTasks, taskId);
    if (before.state !== null) return viewOf(before.state); // the same command, handled before
    const assessed = await this.assess(order, context);
    await this.#refuseIfImpossible(order, taskId, assessed);
    const { state, position } = await handleCommand(
      this.store,
      migrationTasks,
      taskId,
      {
        type: 'CreateMigrationTask',
        order: {
          taskId,
          name: order.name,
          sourceMachineId: order.sourceMachineId,
          siteId: order.siteId,
          targetVmId: uuidV5(taskId, 'target-vm'),
          target: assessed.target,
          disks: disksOf(order, assessed),
          concerns: assessed.concerns,
          decisions: assessed.decisions,
          settings: settingsOf(order),
        },
      },
      correlatedBy(context, taskId),
    );
    await waitForPosition(this.dataSource, migrationTaskProjection.name, position);
    if (state === null) throw new TypeError('A created task has a state');
    return viewOf(state);
  }

  async #refuseIfImpossible(order: MigrationTaskOrder, taskId: string, { concerns }: AssessedOrder): Promise<void> {
    if (isRefused(concerns)) {
      const critical = concerns.filter(({ severity }) => severity === 'critical');
      throw new DomainError(
        'PLANNING.PRE_CHECKS_FAILED',
        critical.map(({ text }) => text).join(' '),
        critical.map(({ remedy }) => remedy).join(' '),
        { concerns },
      );
    }
    const open = await findOpenTaskOf(this.dataSource, order.sourceMachineId, taskId);
    if (open !== null) {
      throw new DomainError(
        'PLANNING.SOURCE_BUSY',
        `The source machine is being migrated by task ${open}.`,
        'Let that task end first.',
        { taskId: open },
      );
    }
  }
}
