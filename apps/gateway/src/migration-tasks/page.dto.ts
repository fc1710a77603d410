import { ApiPropertyOptional } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { IsCount, IsText, MayBeLeftOut } from '../requests/field-rules.js';

export const DEFAULT_TASKS = 50;
export const DEFAULT_EVENTS = 100;

export class MigrationTaskPage {
  @ApiPropertyOptional({ description: 'Cursor: `next` of the page before.', minLength: 1, maxLength: 200 })
  @MayBeLeftOut()
  @IsText(1, 200)
  readonly after?: string;

  @ApiPropertyOptional({
    description: 'Tasks per page.',
    type: 'integer',
    minimum: 1,
    maximum: 500,
    default: DEFAULT_TASKS,
  })
  @MayBeLeftOut()
  @IsCount(1, 500)
  readonly limit?: number;
}

export class EventPage {
  @ApiPropertyOptional({
    description: 'Cursor: `next` of the page before, or the position of the last event that is known already.',
    pattern: '^\\d{1,20}$',
    example: '1042',
  })
  @MayBeLeftOut()
  @Matches(/^\d{1,20}$/)
  readonly after?: string;

  @ApiPropertyOptional({
    description: 'Events per page.',
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    default: DEFAULT_EVENTS,
  })
  @MayBeLeftOut()
  @IsCount(1, 1000)
  readonly limit?: number;
}
