import { ApiSchema } from '@nestjs/swagger';

/** The body of a request that says everything with its path: nothing, or `{}`. */
@ApiSchema({ description: 'Nothing, or an empty object.' })
export class NoFields {}
