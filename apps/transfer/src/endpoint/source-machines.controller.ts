import { Controller, Inject } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, transferCalls } from '#libs/contracts';
import { type CommandContext, DomainError } from '#libs/eventsourcing';
import { Answers } from '#libs/messaging';
import { ControlChannel } from '../control-channel/control-channel.js';
import { Enroller } from '../enrolment/enroller.js';
import { TRANSFER_CONFIG, type TransferConfig } from '../transfer.config.js';
import { findSourceMachine, listSourceMachines } from './read-model/source-machine.projection.js';

@Controller()
export class SourceMachinesController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly enroller: Enroller,
    private readonly controlChannel: ControlChannel,
    @Inject(TRANSFER_CONFIG) private readonly config: TransferConfig,
  ) {}

  @Answers(transferCalls.issueEnrolmentToken)
  async issueEnrolmentToken(
    { kind, name, validSeconds }: RequestOf<typeof transferCalls.issueEnrolmentToken>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof transferCalls.issueEnrolmentToken>> {
    const expiresAt = new Date(Date.parse(context.now) + validSeconds * 1000).toISOString();
    const { token } = await this.enroller.issue(kind, name, expiresAt, context);
    const serverUrl = this.config.LINK_PUBLIC_URL ?? `http://${this.config.LINK_HOST}:${this.controlChannel.port}`;
    return { token, expiresAt, serverUrl };
  }

  @Answers(transferCalls.listSourceMachines)
  async list(): Promise<ReplyOf<typeof transferCalls.listSourceMachines>> {
    return { sourceMachines: await listSourceMachines(this.dataSource) };
  }

  @Answers(transferCalls.getSourceMachine)
  async get({
    sourceMachineId,
  }: RequestOf<typeof transferCalls.getSourceMachine>): Promise<ReplyOf<typeof transferCalls.getSourceMachine>> {
    const machine = await findSourceMachine(this.dataSource, sourceMachineId);
    if (machine !== null) return machine;
    throw new DomainError(
      'TRANSFER.SOURCE_NOT_ENROLLED',
      `There is no enrolled source machine ${sourceMachineId}.`,
      'Ask for an enrolment token and enrol the agent of the machine with it.',
    );
  }
}
