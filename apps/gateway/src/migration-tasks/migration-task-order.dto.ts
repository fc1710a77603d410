import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsObject, ValidateNested } from 'class-validator';
import type * as z from 'zod';
import type { migrationTaskOrder } from '#libs/contracts';
import { IsId, IsText, MayBeLeftOut } from '../requests/field-rules.js';
import { TargetWishes } from './target-wishes.dto.js';
import { TaskSettingsWishes } from './task-settings.dto.js';

const MAX_DISKS = 256;

export class MigrationTaskOrder {
  @ApiProperty({ description: 'How people call it.', minLength: 1, maxLength: 200, example: 'db-01 to rack-2' })
  @IsText(1, 200)
  readonly name!: string;

  @ApiProperty({ format: 'uuid', example: '0d1f9c1e-4b0a-4f6e-9a58-2f4f4f7d1a01' })
  @IsId()
  readonly sourceMachineId!: string;

  @ApiProperty({
    format: 'uuid',
    description: 'Where the target is made.',
    example: '6f0d2c55-0e0b-4d0e-8f5e-0b2a54a7c202',
  })
  @IsId()
  readonly siteId!: string;

  @ApiPropertyOptional({
    description: 'Only these disks of the source, worked on in this order; left out means all, small ones first.',
    type: [String],
    minItems: 1,
    maxItems: MAX_DISKS,
    example: ['WD-4C530001'],
  })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_DISKS)
  @IsText(1, 200, { each: true })
  readonly diskIds?: string[];

  @ApiPropertyOptional({
    description: 'What the target shall be; what is left out follows the source.',
    type: TargetWishes,
  })
  @MayBeLeftOut()
  @IsObject()
  @ValidateNested()
  @Type(() => TargetWishes)
  readonly target?: TargetWishes;

  @ApiPropertyOptional({
    description: 'Copy the non-zero blocks of disks without partition or file system, which are refused otherwise.',
    default: false,
    example: false,
  })
  @MayBeLeftOut()
  @IsBoolean()
  readonly copyRawDisks?: boolean;

  @ApiPropertyOptional({
    description: 'How the task deals with what goes wrong; what is left out takes its default.',
    type: TaskSettingsWishes,
  })
  @MayBeLeftOut()
  @IsObject()
  @ValidateNested()
  @Type(() => TaskSettingsWishes)
  readonly settings?: TaskSettingsWishes;
}

/** The order as planning takes it. */
export const orderOf = (wanted: MigrationTaskOrder): z.input<typeof migrationTaskOrder> => {
  const { name, sourceMachineId, siteId, diskIds, target, copyRawDisks = false, settings } = wanted;
  return { name, sourceMachineId, siteId, diskIds, target: target ?? {}, copyRawDisks, settings: settings ?? {} };
};
