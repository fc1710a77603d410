import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { MayBeLeftOut } from '../requests/field-rules.js';

const YEAR_SECONDS = 31_536_000;

export class Cancellation {
  @ApiPropertyOptional({
    description:
      'From now to the clean-up, in seconds; left out: `cancelGraceSeconds` of the task. 0: at once, and it cannot be withdrawn.',
    type: 'integer',
    minimum: 0,
    maximum: YEAR_SECONDS,
    example: 3600,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(0)
  @Max(YEAR_SECONDS)
  readonly graceSeconds?: number;
}
