import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsObject, Max, Min, ValidateNested } from 'class-validator';
import { type TargetWishes as Wishes, diskAllocation, targetSpecification } from '#libs/contracts';
import { IsBytes, IsText, MayBeLeftOut } from '../requests/field-rules.js';

const MAX_CPUS = 512;
const MAX_DISKS = 256;
const { firmware, provisioning } = targetSpecification.shape;

export class TargetDiskWish {
  @ApiProperty({
    description: '`diskId` of the source disk that it becomes.',
    minLength: 1,
    maxLength: 200,
    example: 'WD-4C530001',
  })
  @IsText(1, 200)
  readonly sourceDiskId!: string;

  @ApiProperty({
    description: 'Size in bytes; at least that of the source disk.',
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    example: 107_374_182_400,
  })
  @IsBytes()
  readonly sizeBytes!: number;

  @ApiProperty({ enum: diskAllocation.options, example: 'thin' })
  @IsIn(diskAllocation.options)
  readonly allocation!: NonNullable<Wishes['disks']>[number]['allocation'];
}

export class TargetWishes {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_CPUS, example: 4 })
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(MAX_CPUS)
  readonly cpuCount?: number;

  @ApiPropertyOptional({
    description: 'Memory in bytes.',
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    example: 8_589_934_592,
  })
  @MayBeLeftOut()
  @IsBytes()
  readonly memoryBytes?: number;

  @ApiPropertyOptional({ enum: firmware.options, example: 'uefi' })
  @MayBeLeftOut()
  @IsIn(firmware.options)
  readonly firmware?: NonNullable<Wishes['firmware']>;

  @ApiPropertyOptional({
    description: 'Who creates and boots the target VM: the platform on our request, or a person.',
    enum: provisioning.options,
    example: 'automatic',
  })
  @MayBeLeftOut()
  @IsIn(provisioning.options)
  readonly provisioning?: NonNullable<Wishes['provisioning']>;

  @ApiPropertyOptional({ type: [TargetDiskWish], maxItems: MAX_DISKS })
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(MAX_DISKS)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => TargetDiskWish)
  readonly disks?: TargetDiskWish[];
}
