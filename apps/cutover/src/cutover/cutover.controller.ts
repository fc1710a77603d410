import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, cutoverCalls } from '#libs/contracts';
import { type CommandContext, correlatedBy, handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
import { cutovers } from './cutover.aggregate.js';
import { cutoverProjection, findCutover } from './cutover.projection.js';
import type { CutoverCommand } from './domain/cutover.decider.js';

@Controller()
export class CutoverController {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  @Answers(cutoverCalls.allowCutover)
  async allow(
    { taskId }: RequestOf<typeof cutoverCalls.allowCutover>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof cutoverCalls.allowCutover>> {
    await this.#handle(taskId, { type: 'AllowCutover', taskId }, context);
    return {};
  }

  @Answers(cutoverCalls.withdrawCutover)
  async withdraw(
    { taskId, saidBefore }: RequestOf<typeof cutoverCalls.withdrawCutover>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof cutoverCalls.withdrawCutover>> {
    await this.#handle(taskId, { type: 'WithdrawCutover', taskId, saidBefore }, context);
    return {};
  }

  @Answers(cutoverCalls.requestCutover)
  async request(
    { taskId }: RequestOf<typeof cutoverCalls.requestCutover>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof cutoverCalls.requestCutover>> {
    await this.#handle(taskId, { type: 'RequestCutover', taskId }, context);
    return findCutover(this.dataSource, taskId);
  }

  @Answers(cutoverCalls.confirmSourceServicesStopped)
  async confirm(
    { taskId }: RequestOf<typeof cutoverCalls.confirmSourceServicesStopped>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof cutoverCalls.confirmSourceServicesStopped>> {
    await this.#handle(taskId, { type: 'ConfirmSourceServicesStopped', taskId }, context);
    return findCutover(this.dataSource, taskId);
  }

  @Answers(cutoverCalls.takeOver)
  async takeOver(
    { taskId, targetVmId }: RequestOf<typeof cutoverCalls.takeOver>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof cutoverCalls.takeOver>> {
    await this.#handle(taskId, { type: 'StartTakeOver', taskId, targetVmId }, context);
    return {};
  }

  @Answers(cutoverCalls.getCutover)
  async get({ taskId }: RequestOf<typeof cutoverCalls.getCutover>): Promise<ReplyOf<typeof cutoverCalls.getCutover>> {
    return findCutover(this.dataSource, taskId);
  }

  async #handle(taskId: string, command: CutoverCommand, context: CommandContext): Promise<void> {
    const { position } = await handleCommand(this.store, cutovers, taskId, command, correlatedBy(context, taskId));
    await waitForPosition(this.dataSource, cutoverProjection.name, position);
  }
}
