import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, provisioningCalls } from '#libs/contracts';
import { type CommandContext, DomainError, handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { targetVms } from './target-vm.aggregate.js';
import { findTargetVm } from './target-vm.projection.js';

@Controller()
export class TargetVmsController {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  @Answers(provisioningCalls.createTargetVm)
  async create(
    order: RequestOf<typeof provisioningCalls.createTargetVm>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof provisioningCalls.createTargetVm>> {
    await handleCommand(this.store, targetVms, order.targetVmId, { type: 'RequestTargetVm', order }, context);
    return {};
  }

  @Answers(provisioningCalls.bootTargetFromDisk)
  async bootFromDisk(
    { targetVmId }: RequestOf<typeof provisioningCalls.bootTargetFromDisk>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof provisioningCalls.bootTargetFromDisk>> {
    await handleCommand(this.store, targetVms, targetVmId, { type: 'RequestBootFromDisk' }, context);
    return {};
  }

  @Answers(provisioningCalls.removeTargetVm)
  async remove(
    { targetVmId, taskId }: RequestOf<typeof provisioningCalls.removeTargetVm>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof provisioningCalls.removeTargetVm>> {
    const command = { type: 'RequestRemoval', targetVmId, taskId } as const;
    await handleCommand(this.store, targetVms, targetVmId, command, context);
    return {};
  }

  @Answers(provisioningCalls.getTargetVm)
  async get({
    targetVmId,
  }: RequestOf<typeof provisioningCalls.getTargetVm>): Promise<ReplyOf<typeof provisioningCalls.getTargetVm>> {
    const vm = await findTargetVm(this.dataSource, targetVmId);
    if (vm !== null) return vm;
    throw new DomainError(
      'PROVISIONING.TARGET_VM_NOT_FOUND',
      `There is no target VM ${targetVmId}.`,
      'Use the id that the migration task names.',
    );
  }
}
