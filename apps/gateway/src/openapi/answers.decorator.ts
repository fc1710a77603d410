import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, type ApiResponseOptions } from '@nestjs/swagger';
import { ERROR_STATUS, type ErrorCode } from '#libs/contracts';
import { PROBLEM_MEDIA_TYPE } from '../problem-details/problem.js';
import { IDEMPOTENCY_KEY_HEADER } from '../requests/command-id.js';
import { type ContractSchemaName, schemaReference } from './contract-schemas.js';

/** With these every route may refuse. */
const ALWAYS = ['AUTHENTICATION.REQUIRED', 'SERVICE.UNAVAILABLE', 'SERVICE.INTERNAL'] as const;
/** With these every route that reads a body may refuse. */
const WITH_BODY = [
  'REQUEST.INVALID',
  'REQUEST.MALFORMED_JSON',
  'REQUEST.BODY_TOO_LARGE',
  'REQUEST.UNSUPPORTED_MEDIA_TYPE',
] as const;

/** What a route answers when it does what it was asked. */
export const Gives = (
  status: number,
  schema: ContractSchemaName,
  description: string,
  example: unknown,
  headers?: NonNullable<ApiResponseOptions['headers']>,
): MethodDecorator =>
  ApiResponse({
    status,
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { 'application/json': { schema: schemaReference(schema), example } },
  });

/** The problems with which a route may refuse, in the description as one answer per status with its codes. */
const refusesWith = (codes: readonly ErrorCode[]): MethodDecorator => {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERROR_STATUS[code]);
  const answers = [...byStatus].map(([status, group]) =>
    ApiResponse({
      status,
      description: group.map((code) => `\`${code}\``).join(', '),
      content: { [PROBLEM_MEDIA_TYPE]: { schema: schemaReference('Problem') } },
    }),
  );
  return applyDecorators(...answers);
};

/** A route that only reads. */
export const Question = (summary: string, codes: readonly ErrorCode[] = [], description = ''): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary, ...(description === '' ? {} : { description }) }),
    refusesWith([...codes, ...ALWAYS]),
  );

/** A route that changes something. Repeating it with the same idempotency key changes nothing more. */
export const Order = (summary: string, codes: readonly ErrorCode[] = [], description = ''): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary, ...(description === '' ? {} : { description }) }),
    ApiHeader({
      name: IDEMPOTENCY_KEY_HEADER,
      required: false,
      description: 'The same key for the same request of the same actor makes a repetition the same command.',
      schema: { type: 'string', minLength: 1, maxLength: 200 },
      example: 'nightly-import-2026-03-01',
    }),
    refusesWith([...WITH_BODY, ...codes, ...ALWAYS]),
  );
