import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, Max, Min, ValidateIf, ValidateNested } from 'class-validator';
import { DEFAULT_TASK_SETTINGS as DEFAULTS, type TaskSettings, taskSettings } from '#libs/contracts';
import { MayBeLeftOut } from '../requests/field-rules.js';
import { Throttle } from './throttle.dto.js';

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 31_536_000;
const MAX_RETRIES = 20;
const { afterFailure, digestAlgorithm } = taskSettings.shape;

export class TaskSettingsWishes {
  @ApiPropertyOptional({
    description:
      'How long work waits for its beginning, for a lost link, or for an end that is away, in seconds. Before, it goes on by itself; exactly then, it fails.',
    type: 'integer',
    minimum: 1,
    maximum: DAY_SECONDS,
    default: DEFAULTS.resumeWindowSeconds,
    example: DEFAULTS.resumeWindowSeconds,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(DAY_SECONDS)
  readonly resumeWindowSeconds?: number;

  @ApiPropertyOptional({
    description: 'What a round after a failed one sends: what differs from the kept digests, or everything.',
    enum: afterFailure.options,
    default: DEFAULTS.afterFailure,
    example: DEFAULTS.afterFailure,
  })
  @MayBeLeftOut()
  @IsIn(afterFailure.options)
  readonly afterFailure?: TaskSettings['afterFailure'];

  @ApiPropertyOptional({
    description: 'How often a round that failed in a way that may pass is tried again by itself; 0: never.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_RETRIES,
    default: DEFAULTS.retryLimit,
    example: DEFAULTS.retryLimit,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(0)
  @Max(MAX_RETRIES)
  readonly retryLimit?: number;

  @ApiPropertyOptional({
    description: 'From such a failure to the first retry, in seconds; doubles for each further one.',
    type: 'integer',
    minimum: 1,
    maximum: DAY_SECONDS,
    default: DEFAULTS.retryDelaySeconds,
    example: DEFAULTS.retryDelaySeconds,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(DAY_SECONDS)
  readonly retryDelaySeconds?: number;

  @ApiPropertyOptional({
    description:
      'How blocks are compared and the target is proven equal. BLAKE3 costs a third of the time; SHA-256 is for those whose rules ask for it.',
    enum: digestAlgorithm.options,
    default: DEFAULTS.digestAlgorithm,
    example: DEFAULTS.digestAlgorithm,
  })
  @MayBeLeftOut()
  @IsIn(digestAlgorithm.options)
  readonly digestAlgorithm?: TaskSettings['digestAlgorithm'];

  @ApiPropertyOptional({
    description:
      'From a cancellation to the clean-up, which deletes the target, in seconds. Until then it can be withdrawn.',
    type: 'integer',
    minimum: 0,
    maximum: YEAR_SECONDS,
    default: DEFAULTS.cancelGraceSeconds,
    example: DEFAULTS.cancelGraceSeconds,
  })
  @MayBeLeftOut()
  @IsInt()
  @Min(0)
  @Max(YEAR_SECONDS)
  readonly cancelGraceSeconds?: number;

  @ApiPropertyOptional({
    description:
      'From a failure that nobody attends to until the clean-up, in seconds; null: a failed task is never cleaned up by itself.',
    oneOf: [{ type: 'integer', minimum: 0, maximum: YEAR_SECONDS }, { type: 'null' }],
    default: DEFAULTS.failureGraceSeconds,
    example: DEFAULTS.failureGraceSeconds,
  })
  @ValidateIf((_object: object, value: unknown) => value !== undefined && value !== null)
  @IsInt()
  @Min(0)
  @Max(YEAR_SECONDS)
  readonly failureGraceSeconds?: number | null;

  @ApiPropertyOptional({
    description: 'What the task may take of its source.',
    type: Throttle,
    default: DEFAULTS.throttle,
  })
  @MayBeLeftOut()
  @IsObject()
  @ValidateNested()
  @Type(() => Throttle)
  readonly throttle?: Throttle;
}
