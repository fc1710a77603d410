import { ApiProperty } from '@nestjs/swagger';
import { Equals } from 'class-validator';

export class SourceServicesStopped {
  @ApiProperty({
    description: 'Said by a person: the business services on the source are stopped. The source itself runs on.',
    enum: [true],
    example: true,
  })
  @Equals(true)
  readonly confirmed!: true;
}
