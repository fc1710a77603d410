import { Body, Controller, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type * as z from 'zod';
import { transferCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order } from '../openapi/answers.decorator.js';
import { enrolmentTokenExample } from '../openapi/examples.js';
import { Origin } from '../requests/origin.decorator.js';
import { DEFAULT_VALID_MINUTES, EnrolmentTokenOrder } from './enrolment-token-order.dto.js';

const SECONDS_PER_MINUTE = 60;

@Controller(`${API_ROOT}/enrolment-tokens`)
@ApiTags('enrolment')
export class EnrolmentController {
  constructor(private readonly bus: ServiceBus) {}

  @Post()
  @Order('Issue a one-time token with which an agent enrols')
  @ApiBody({ type: EnrolmentTokenOrder, required: false })
  @Gives(201, 'EnrolmentToken', 'The token. It is told once and not kept.', enrolmentTokenExample)
  async issueEnrolmentToken(
    @Body() order: EnrolmentTokenOrder,
    @Origin() origin: CallOrigin,
  ): Promise<z.output<typeof transferCalls.issueEnrolmentToken.reply>> {
    const validSeconds = (order.validMinutes ?? DEFAULT_VALID_MINUTES) * SECONDS_PER_MINUTE;
    return this.bus.call(
      transferCalls.issueEnrolmentToken,
      { kind: 'agent', name: order.name ?? null, validSeconds },
      origin,
    );
  }
}
