import { BadRequestException, HttpException, ImATeapotException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { ERROR_STATUS, type ErrorCode } from '#libs/contracts';
import { DomainError, PermanentError, TransientError } from '#libs/eventsourcing';
import { allowedMethods } from './allowed-methods.js';
import { fieldErrorsOf } from './field-errors.js';
import { asRefusal } from './framework-errors.js';
import { problemDocument, problemOf, titleOf } from './problem.js';

const occurrence = { instance: '/api/v1/hci-sites', correlationId: '3d8b1c52-9e4f-4a76-8c1d-7e6f5a4b3a10' };
const codes = Object.keys(ERROR_STATUS) as ErrorCode[];

describe('a problem', () => {
  it('is complete and has the status of its code, for every code', () => {
    for (const code of codes) {
      const { document } = problemOf(new DomainError(code, 'Text.', 'Remedy.', { allowed: [] }), occurrence);
      expect(problemDocument.parse(document)).toEqual({
        type: `urn:landfall:problem:${code}`,
        title: titleOf(code),
        status: ERROR_STATUS[code],
        detail: 'Text.',
        remedy: 'Remedy.',
        code,
        ...occurrence,
      });
    }
  });

  it('has a title of its own for every code', () => {
    expect(titleOf('PROVISIONING.TARGET_VM_NOT_READY')).toBe('Provisioning: target VM not ready');
    expect(new Set(codes.map(titleOf)).size).toBe(codes.length);
  });

  it('keeps what a refusal knows, with fields by one name', () => {
    const fields = [{ field: 'name', message: 'is taken' }];
    for (const details of [{ errors: fields }, { issues: fields }]) {
      const { document } = problemOf(new DomainError('REQUEST.INVALID', '', '', { ...details, more: 1 }), occurrence);
      expect(document).toMatchObject({ errors: fields, details: { more: 1 } });
    }
  });

  it.each([
    ['an error', new Error('password swordfish')],
    ['machinery that is broken', new PermanentError('password swordfish')],
    ['a code that is not in the list', new DomainError('NEW.CODE', 'password', 'swordfish', { password: 'swordfish' })],
    ['a name of the prototype as code', new DomainError('constructor', 'swordfish', '')],
    ["an answer of the framework's that we do not know", new ImATeapotException('swordfish')],
    ['something else', 'swordfish'],
    ['nothing', undefined],
  ])('is internal and tells nothing: %s', (_what, error) => {
    const { document } = problemOf(error, occurrence);
    expect(document).toMatchObject({ code: 'SERVICE.INTERNAL', status: 500 });
    expect(JSON.stringify(document)).not.toMatch(/swordfish|NEW.CODE/);
  });

  it('asks to come again when machinery is away for a while', () => {
    const { document, headers } = problemOf(new TransientError('10.0.0.7 refused'), occurrence);
    expect(document).toMatchObject({ code: 'SERVICE.UNAVAILABLE', status: 503 });
    expect(headers).toEqual({ 'Retry-After': '2' });
    expect(JSON.stringify(document)).not.toMatch(/10\.0\.0\.7/);
  });
});

describe("the framework's refusals", () => {
  const codeOf = (error: unknown, allowed: readonly string[] = []): unknown => {
    const refusal = asRefusal(error, allowed);
    return refusal instanceof DomainError ? refusal.code : refusal;
  };

  it('get our codes', () => {
    expect(codeOf(new BadRequestException('x', { cause: new SyntaxError('x') }))).toBe('REQUEST.MALFORMED_JSON');
    expect(codeOf(new BadRequestException('x', { cause: new URIError('x') }))).toBe('REQUEST.INVALID');
    expect(codeOf(new HttpException('x', 413))).toBe('REQUEST.BODY_TOO_LARGE');
    expect(codeOf(new HttpException('x', 415))).toBe('REQUEST.UNSUPPORTED_MEDIA_TYPE');
    expect(codeOf(new NotFoundException())).toBe('REQUEST.NOT_FOUND');
    expect(codeOf(new NotFoundException(), ['GET'])).toBe('REQUEST.METHOD_NOT_ALLOWED');
  });

  it('and nothing else does', () => {
    for (const error of [new Error('x'), new DomainError('X.Y', '', ''), new ImATeapotException()]) {
      expect(asRefusal(error, [])).toBe(error);
    }
  });
});

describe('methods that a path takes', () => {
  const paths = {
    '/tasks': { get: {}, post: {} },
    '/tasks/check': { post: {} },
    '/tasks/{id}': { get: {}, delete: {} },
  };

  it.each([
    ['/tasks', ['GET', 'HEAD', 'POST']],
    ['/tasks/', ['GET', 'HEAD', 'POST']],
    ['/TASKS', ['GET', 'HEAD', 'POST']],
    ['/tasks/7', ['DELETE', 'GET', 'HEAD']],
    ['/tasks/check', ['DELETE', 'GET', 'HEAD', 'POST']],
    ['/tasks/7/more', []],
    ['/', []],
    ['', []],
  ])('%s', (path, methods) => {
    expect(allowedMethods(paths, path)).toEqual(methods);
  });
});

describe('faults of fields', () => {
  it('have the whole path of their field', () => {
    const deep = {
      property: '1',
      children: [{ property: 'sizeBytes', constraints: { isInt: 'must be whole', min: 'must be more' } }],
    };
    const errors = [
      { property: 'name', constraints: { isText: 'must be text' } },
      { property: 'disks', constraints: { isArray: 'must be a list' }, children: [deep] },
    ];
    expect(fieldErrorsOf(errors)).toEqual([
      { field: 'name', message: 'must be text' },
      { field: 'disks', message: 'must be a list' },
      { field: 'disks.1.sizeBytes', message: 'must be whole' },
      { field: 'disks.1.sizeBytes', message: 'must be more' },
    ]);
  });

  it('are cut to what a person reads', () => {
    const errors = Array.from({ length: 60 }, (_, index) => ({
      property: `${index}`.padEnd(1_000, 'x'),
      constraints: { rule: 'y'.repeat(1_000) },
    }));
    const found = fieldErrorsOf(errors);
    expect(found).toHaveLength(50);
    for (const { field, message } of found) expect(field.length + message.length).toBeLessThan(610);
  });
});
