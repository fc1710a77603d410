import { ApiProperty } from '@nestjs/swagger';
import { Equals, IsIn, IsInt, Max, Min } from 'class-validator';
import { IsText } from '../requests/field-rules.js';

const MAX_INTERVAL_SECONDS = 31_536_000;

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
}

/** What is said of a schedule whose kind is neither. */
export class UnknownSchedule {
  @IsIn(['interval', 'cron'])
  readonly kind!: string;
}
