import { ApiProperty } from '@nestjs/swagger';
import { IsId } from '../requests/field-rules.js';

export class MigrationTaskPath {
  @ApiProperty({ format: 'uuid', description: 'The migration task.', example: 'c2b7a6d0-7a3c-4d51-8d0e-5b8b6d2e7303' })
  @IsId()
  readonly taskId!: string;
}
