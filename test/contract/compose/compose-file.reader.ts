import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import * as z from 'zod';

export const PROJECT_FOLDER = join(import.meta.dirname, '../../..');

/** What the tests look at; whether the file is valid at all, the Compose schema tells. */
const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.looseObject({ context: z.string(), dockerfile: z.string(), target: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  user: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  restart: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()).min(2) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
});

const fileSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.unknown()),
});

export type ComposeService = z.infer<typeof serviceSchema>;

/** @returns the document with its merge keys resolved and its variables as they stand in the file */
export function parseCompose(text: string): unknown {
  return parse(text, { merge: true });
}

export function readComposeText(): string {
  return readFileSync(join(PROJECT_FOLDER, 'docker-compose.yml'), 'utf8');
}

export function readComposeFile(): z.infer<typeof fileSchema> {
  return fileSchema.parse(parseCompose(readComposeText()));
}

/**
 * The schema of the Compose specification, which comes with the package dclint.
 *
 * @returns a function that lists what a document breaks, as `<place> <rule>`
 */
export function composeSchemaValidator(): (document: unknown) => string[] {
  const packageFile = createRequire(import.meta.url).resolve('dclint/package.json');
  const text = readFileSync(join(dirname(packageFile), 'schemas/compose.schema.json'), 'utf8');
  const schema = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  // It names its dialect, draft 7, by an address that ajv does not know; draft 7 is what ajv takes anyway.
  delete schema['$schema'];
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  return (document) => {
    if (validate(document)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? error.keyword}`);
  };
}
