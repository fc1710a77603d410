import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { DEFAULT_TASK_SETTINGS } from '#libs/contracts';
import { openApiText } from './openapi-text.js';

const WRITTEN = join(import.meta.dirname, '../../../../docs/openapi.json');
const METHODS = ['get', 'post', 'put', 'delete'];

const media = z.looseObject({ schema: z.record(z.string(), z.unknown()), example: z.unknown().optional() });
const operation = z.looseObject({
  operationId: z.string(),
  summary: z.string().min(1),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).default([]),
  requestBody: z.looseObject({ content: z.record(z.string(), media) }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: z.record(z.string(), media).default({}) })),
});
const description = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

describe('the description of the interface', () => {
  let text: string;
  let document: z.output<typeof description>;
  let ajv: Ajv2020;
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, each]) => ({ path, method, ...each })),
    );

  beforeAll(async () => {
    text = await openApiText();
    document = description.parse(JSON.parse(text));
    ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'landfall:', components: document.components });
  });

  it('is the one in docs/openapi.json (npm run openapi writes it)', async () => {
    expect(await readFile(WRITTEN, 'utf8')).toBe(text);
  });

  it('is the same every time', async () => {
    expect(await openApiText()).toBe(text);
  });

  it('refers only to what it has', () => {
    const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference ?? '');
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) {
      expect(document.components.schemas).toHaveProperty(reference.replace('#/components/schemas/', ''));
    }
  });

  it('has an example for every answer, and each fits its schema', () => {
    let checked = 0;
    for (const { operationId, responses } of operations()) {
      for (const [status, { content }] of Object.entries(responses)) {
        const json = content['application/json'];
        if (json === undefined) continue;
        const inContext = JSON.parse(JSON.stringify(json.schema).replaceAll('"#/', '"landfall:#/')) as object;
        const isValid = ajv.validate(inContext, json.example);
        expect(ajv.errorsText(), `${operationId} ${status}`).toBe('No errors');
        expect(isValid).toBe(true);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThanOrEqual(20);
  });

  it('says how each route refuses, with problem details', () => {
    for (const { path, responses } of operations().filter((each) => each.path !== '/health')) {
      const refusals = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      expect(refusals.map(([status]) => status)).toEqual(expect.arrayContaining(['401', '500', '503']));
      if (path.includes('{'))
        expect(refusals.map(([status]) => status)).toEqual(expect.arrayContaining(['400', '404']));
      for (const [, { content }] of refusals) {
        expect(content['application/problem+json']?.schema).toEqual({ $ref: '#/components/schemas/Problem' });
      }
    }
  });

  it('has an idempotency key for whatever changes something, and for nothing else', () => {
    for (const { method, parameters } of operations()) {
      expect(METHODS).toContain(method);
      const isOffered = parameters.some(({ name }) => name === 'Idempotency-Key');
      expect(isOffered).toBe(method !== 'get');
    }
  });

  it('gives every field of a request a description or a closed list of values, and an example', () => {
    const dtos = [
      'EnrolmentTokenOrder',
      'HciSiteOrder',
      'MigrationTaskOrder',
      'TargetDiskWish',
      'IntervalSchedule',
      'CronSchedule',
      'TaskSettingsWishes',
      'SyncRoundOrder',
      'Cancellation',
    ];
    const dto = z.object({ properties: z.record(z.string(), z.looseObject({})) });
    for (const name of dtos) {
      for (const [field, schema] of Object.entries(dto.parse(document.components.schemas[name]).properties)) {
        const says = ['description', 'enum', 'format', 'allOf', '$ref'].some((key) => key in schema);
        expect(says, `${name}.${field}`).toBe(true);
      }
    }
  });

  it('tells the default of every setting', () => {
    const { properties } = z
      .object({ properties: z.record(z.string(), z.looseObject({ default: z.unknown() })) })
      .parse(document.components.schemas['TaskSettingsWishes']);
    const told = Object.fromEntries(Object.entries(properties).map(([field, schema]) => [field, schema.default]));
    expect(told).toEqual(DEFAULT_TASK_SETTINGS);
  });

  it('asks for a key everywhere but where it is open', () => {
    expect(JSON.parse(text)).toMatchObject({
      security: [{ apiKey: [] }],
      paths: { '/health': { get: { security: [] } } },
    });
    const others = operations().filter(({ path }) => path !== '/health');
    expect(others.filter((each) => 'security' in each)).toEqual([]);
  });
});
