import { ApiProperty } from '@nestjs/swagger';
import { IsId } from '../requests/field-rules.js';

export class SourceMachinePath {
  @ApiProperty({ format: 'uuid', description: 'The source machine.', example: '0d1f9c1e-4b0a-4f6e-9a58-2f4f4f7d1a01' })
  @IsId()
  readonly sourceMachineId!: string;
}
