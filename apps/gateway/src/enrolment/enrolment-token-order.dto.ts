import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { IsText, MayBeLeftOut } from '../requests/field-rules.js';

export const DEFAULT_VALID_MINUTES = 60;
const MAX_VALID_MINUTES = 7 * 24 * 60;

export class EnrolmentTokenOrder {
  @ApiPropertyOptional({
    description: 'Name that the source machine gets; left out, the agent names it.',
    minLength: 1,
    maxLength: 255,
    example: 'db-01',
  })
  @MayBeLeftOut()
  @IsText(1, 255)
  readonly name?: string;

  @ApiPropertyOptional({
    description: 'How long the token is valid, in minutes.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_VALID_MINUTES,
    default: DEFAULT_VALID_MINUTES,
    example: 30,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_VALID_MINUTES)
  readonly validMinutes?: number;
}
