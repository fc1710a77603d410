import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Equals, IsIn, IsInt, Max, Min } from 'class-validator';
import { IsText, MayBeLeftOut } from '../requests/field-rules.js';

const MAX_INTERVAL_SECONDS = 31_536_000;

const CATCH_UPS = ['once', 'skip'] as const;
type CatchUp = (typeof CATCH_UPS)[number];

const IsCatchUp = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      description:
        'What becomes of time points that passed while the server was down: one round makes up for all of them, or the next time point is waited for.',
      enum: CATCH_UPS,
      default: 'once',
      example: 'once',
    }),
    MayBeLeftOut(),
    IsIn(CATCH_UPS),
  );

export class IntervalSchedule {
  @ApiProperty({ enum: ['interval'], example: 'interval' })
  @Equals('interval')
  readonly kind!: 'interval';

  @ApiProperty({
    description: 'From one start to the next, in seconds.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_INTERVAL_SECONDS,
    example: 3600,
  })
  @IsInt()
  @Min(1)
  @Max(MAX_INTERVAL_SECONDS)
  readonly everySeconds!: number;

  @IsCatchUp()
  readonly catchUp?: CatchUp;
}

export class CronSchedule {
  @ApiProperty({ enum: ['cron'], example: 'cron' })
  @Equals('cron')
  readonly kind!: 'cron';

  @ApiProperty({
    description: 'Five fields, as crontab has them.',
    minLength: 1,
    maxLength: 200,
    example: '30 2 * * *',
  })
  @IsText(1, 200)
  readonly expression!: string;

  @ApiProperty({ description: 'IANA name.', minLength: 1, maxLength: 100, example: 'Europe/Berlin' })
  @IsText(1, 100)
  readonly timeZone!: string;

  @IsCatchUp()
  readonly catchUp?: CatchUp;
}

/** What is said of a schedule whose kind is neither. */
export class UnknownSchedule {
  @IsIn(['interval', 'cron'])
  readonly kind!: string;
}
