import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type * as z from 'zod';
import { type SourceMachineView, transferCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Question } from '../openapi/answers.decorator.js';
import { sourceMachineExample } from '../openapi/examples.js';
import { Origin } from '../requests/origin.decorator.js';
import { SourceMachinePath } from './source-machine-path.dto.js';

@Controller(`${API_ROOT}/source-machines`)
@ApiTags('source machines')
export class SourceMachinesController {
  constructor(private readonly bus: ServiceBus) {}

  @Get()
  @Question('List the source machines')
  @Gives(200, 'SourceMachineList', 'All of them.', { sourceMachines: [sourceMachineExample] })
  async listSourceMachines(
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof transferCalls.listSourceMachines.reply>> {
    return this.bus.call(transferCalls.listSourceMachines, {}, origin);
  }

  @Get(':sourceMachineId')
  @Question('Read a source machine with its disks, partitions, file systems and their used bytes', [
    'REQUEST.INVALID',
    'TRANSFER.SOURCE_NOT_ENROLLED',
  ])
  @Gives(200, 'SourceMachine', 'The machine as its agent last reported it.', sourceMachineExample)
  async getSourceMachine(
    @Param() { sourceMachineId }: SourceMachinePath,
    @Origin() origin: CallOrigin,
  ): Promise<SourceMachineView> {
    return this.bus.call(transferCalls.getSourceMachine, { sourceMachineId }, origin);
  }
}
