import { ApiProperty } from '@nestjs/swagger';
import { IsId } from '../requests/field-rules.js';

export class HciSitePath {
  @ApiProperty({ format: 'uuid', description: 'The site.', example: '6f0d2c55-0e0b-4d0e-8f5e-0b2a54a7c202' })
  @IsId()
  readonly siteId!: string;
}
