import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { MayBeLeftOut } from '../requests/field-rules.js';

export class SyncRoundOrder {
  @ApiPropertyOptional({
    description: 'Send everything again, whatever the target is known to hold.',
    default: false,
    example: false,
  })
  @MayBeLeftOut()
  @IsBoolean()
  readonly resend?: boolean;
}
