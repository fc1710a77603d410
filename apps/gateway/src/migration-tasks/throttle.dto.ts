import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  DEFAULT_THROTTLE as DEFAULTS,
  MAX_NETWORK_BYTES_PER_SECOND,
  MAX_STORAGE_QUEUE_DEPTH,
  MAX_THROTTLE_WINDOWS,
  MIN_NETWORK_BYTES_PER_SECOND,
  MIN_STORAGE_SHARE,
  WINDOW_FROM,
  WINDOW_TO,
  type Weekday,
  weekday,
} from '#libs/contracts';
import { IsText, MayBeLeftOut } from '../requests/field-rules.js';

const MAX_DAYS = 7;

const isGiven = (_object: object, value: unknown): boolean => value !== undefined && value !== null;

const IsNetworkCap = (description: string, more: object): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      description,
      oneOf: [
        { type: 'integer', minimum: MIN_NETWORK_BYTES_PER_SECOND, maximum: MAX_NETWORK_BYTES_PER_SECOND },
        { type: 'null' },
      ],
      ...more,
    }),
    ValidateIf(isGiven),
    IsInt(),
    Min(MIN_NETWORK_BYTES_PER_SECOND),
    Max(MAX_NETWORK_BYTES_PER_SECOND),
  );

const IsStorageShare = (description: string, more: object): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      description,
      oneOf: [{ type: 'number', minimum: MIN_STORAGE_SHARE, maximum: 1 }, { type: 'null' }],
      ...more,
    }),
    ValidateIf(isGiven),
    IsNumber(),
    Min(MIN_STORAGE_SHARE),
    Max(1),
  );

export class ThrottleWindow {
  @ApiProperty({ enum: weekday.options, isArray: true, minItems: 1, maxItems: MAX_DAYS, example: ['monday'] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_DAYS)
  @IsIn(weekday.options, { each: true })
  readonly days!: Weekday[];

  @ApiProperty({
    description: 'Time of day by the time zone of the calendar.',
    pattern: WINDOW_FROM.source,
    example: '08:00',
  })
  @IsString()
  @Matches(WINDOW_FROM)
  readonly from!: string;

  @ApiProperty({
    description: 'The first moment that is outside; not after `from`: on the next day.',
    pattern: WINDOW_TO.source,
    example: '18:00',
  })
  @IsString()
  @Matches(WINDOW_TO)
  readonly to!: string;

  @IsNetworkCap('As outside of windows when it is left out; null: unlimited.', { example: 6_250_000 })
  readonly networkBytesPerSecond?: number | null;

  @IsStorageShare('As outside of windows when it is left out; null: unlimited.', { example: 0.1 })
  readonly storageShare?: number | null;
}

export class ThrottleCalendar {
  @ApiProperty({ description: 'IANA name.', minLength: 1, maxLength: 100, example: 'Europe/Berlin' })
  @IsText(1, 100)
  readonly timeZone!: string;

  @ApiProperty({
    description: 'The first that is open counts.',
    type: [ThrottleWindow],
    minItems: 1,
    maxItems: MAX_THROTTLE_WINDOWS,
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_THROTTLE_WINDOWS)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ThrottleWindow)
  readonly windows!: ThrottleWindow[];
}

export class Throttle {
  @IsNetworkCap(
    'Most bytes per second that leave the source machine for this task, over all connections and with the overhead of the protocols; null: unlimited.',
    { default: DEFAULTS.networkBytesPerSecond, example: DEFAULTS.networkBytesPerSecond },
  )
  readonly networkBytesPerSecond?: number | null;

  @IsStorageShare(
    'How much of the time reads may keep a disk of the source busy, 0.3 is 30 %; less is taken while the source itself is slowed down. null: unlimited.',
    { default: DEFAULTS.storageShare, example: DEFAULTS.storageShare },
  )
  readonly storageShare?: number | null;

  @ApiPropertyOptional({
    description: 'Reads in flight, over all disks of the source.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_STORAGE_QUEUE_DEPTH,
    default: DEFAULTS.storageQueueDepth,
    example: DEFAULTS.storageQueueDepth,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_STORAGE_QUEUE_DEPTH)
  readonly storageQueueDepth?: number;

  @ApiPropertyOptional({
    description: 'Other caps at certain hours of the week; null: none.',
    oneOf: [{ $ref: '#/components/schemas/ThrottleCalendar' }, { type: 'null' }],
    default: null,
    example: null,
  })
  @ValidateIf(isGiven)
  @IsObject()
  @ValidateNested()
  @Type(() => ThrottleCalendar)
  readonly calendar?: ThrottleCalendar | null;
}
