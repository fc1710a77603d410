import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { contractSchemas } from './contract-schemas.js';

const DESCRIPTION = [
  'Moves whole machines onto a hyper-converged platform: enrol an agent, order a migration task, keep it in sync, cut over.',
  '',
  'Sizes are bytes, moments are ISO 8601 in UTC. Refusals are problem details (RFC 9457) with a code of a closed list.',
  'Every answer carries `X-Correlation-Id`; requests may bring one (a UUID). Bodies are JSON of at most 256 KiB.',
].join('\n');

const sorted = <Value>(record: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));

/** Describes the routes of an application; the same routes always give the same description. */
export const describeInterface = (application: INestApplication): OpenAPIObject => {
  const settings = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Landfall')
    .setVersion('1')
    .setDescription(DESCRIPTION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addSecurity('apiKey', { type: 'http', scheme: 'bearer', description: 'A key that the gateway was given.' })
    .addSecurityRequirements('apiKey')
    .build();
  const document = SwaggerModule.createDocument(application, settings, {
    operationIdFactory: (_controller, method) => method,
  });
  return {
    ...document,
    paths: sorted(document.paths),
    components: { ...document.components, schemas: sorted({ ...document.components?.schemas, ...contractSchemas() }) },
  };
};
