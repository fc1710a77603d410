import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsId, MayBeLeftOut } from '../requests/field-rules.js';

export class AcknowledgedRangesQuestion {
  @ApiPropertyOptional({
    format: 'uuid',
    description: 'Only what this round had acknowledged; left out: of all rounds that are remembered.',
    example: 'f47b1a2c-6a1e-4c8e-8a39-3d1c2b4a7606',
  })
  @MayBeLeftOut()
  @IsId()
  readonly roundId?: string;
}
