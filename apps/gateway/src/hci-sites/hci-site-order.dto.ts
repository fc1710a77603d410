import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import type * as z from 'zod';
import { hciDriverName } from '#libs/contracts';
import { IsText } from '../requests/field-rules.js';

export class HciSiteOrder {
  @ApiProperty({
    description: 'How people call the site; taken once.',
    minLength: 1,
    maxLength: 200,
    example: 'rack-2',
  })
  @IsText(1, 200)
  readonly name!: string;

  @ApiProperty({
    description: 'What speaks with the platform.',
    enum: hciDriverName.options,
    example: 'local-process',
  })
  @IsIn(hciDriverName.options)
  readonly driver!: z.output<typeof hciDriverName>;

  @ApiProperty({
    description:
      'Version of the platform. It decides what is possible there; one that is not known makes targets manual.',
    minLength: 1,
    maxLength: 100,
    example: '6.11.1',
  })
  @IsText(1, 100)
  readonly version!: string;
}
