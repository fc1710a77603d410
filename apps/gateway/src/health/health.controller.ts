import { Controller, Get, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Gives } from '../openapi/answers.decorator.js';
import type { HealthReport } from './health-report.js';
import { NatsEcho } from './nats-echo.js';

@Controller('health')
@ApiTags('health')
export class HealthController {
  constructor(private readonly nats: NatsEcho) {}

  @Get()
  @ApiOperation({ summary: 'Whether the gateway works', security: [] })
  @Gives(200, 'HealthReport', 'It works.', { status: 'up', nats: 'up' })
  @Gives(503, 'HealthReport', 'It lives, but cannot reach the services.', { status: 'degraded', nats: 'down' })
  async getHealth(@Res({ passthrough: true }) response: Response): Promise<HealthReport> {
    const answers = await this.nats.answers();
    response.status(answers ? 200 : 503);
    return answers ? { status: 'up', nats: 'up' } : { status: 'degraded', nats: 'down' };
  }
}
