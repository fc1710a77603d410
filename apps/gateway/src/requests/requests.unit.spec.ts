import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { commandIdOf } from './command-id.js';
import { IsBytes, IsCount, IsId, IsText, MayBeLeftOut } from './field-rules.js';
import { isTooDeep } from './request-body.js';

const request = { actor: 'operator:alice', method: 'POST', path: '/api/v1/hci-sites' };
const text = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme-ascii' });

describe("a command's id", () => {
  it('is the same for the same request and key', () => {
    fc.assert(fc.property(text, (key) => commandIdOf(request, key) === commandIdOf({ ...request }, key)));
  });

  it('is a UUID, and another when actor, method, path or key differ', () => {
    const ids = [
      commandIdOf(request, 'key'),
      commandIdOf({ ...request, actor: 'operator:bob' }, 'key'),
      commandIdOf({ ...request, method: 'PUT' }, 'key'),
      commandIdOf({ ...request, path: `${request.path}/` }, 'key'),
      commandIdOf(request, 'key2'),
      // What is joined must not be taken for something else that is.
      commandIdOf({ ...request, path: `${request.path}","key` }, ''.padEnd(3, 'x')),
      commandIdOf(request, undefined),
      commandIdOf(request, undefined),
    ];
    for (const id of ids) expect(z.uuid().safeParse(id).success).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stays what it was in earlier versions, or a repetition across an update would be done twice', () => {
    expect(commandIdOf(request, 'nightly')).toBe('d8d427df-314e-557f-8b64-cadb2781678f');
  });

  it.each(['', ' '.repeat(201), 'a\nb', 'caf\u00e9'])('is refused for the key %j', (key) => {
    expect(() => commandIdOf(request, key)).toThrow(expect.objectContaining({ code: 'REQUEST.INVALID' }));
  });
});

describe('the depth of a body', () => {
  const nested = (levels: number): unknown => JSON.parse('[{"a":'.repeat(levels / 2) + '1' + '}]'.repeat(levels / 2));

  it('has a limit', () => {
    expect(isTooDeep(undefined)).toBe(false);
    expect(isTooDeep({ target: { disks: [{ sizeBytes: 1 }] } })).toBe(false);
    expect(isTooDeep(nested(20))).toBe(false);
    expect(isTooDeep(nested(22))).toBe(true);
  });

  it('is found without recursion', () => {
    expect(isTooDeep(nested(200_000))).toBe(true);
  });
});

describe('rules of fields', () => {
  class Sample {
    @MayBeLeftOut()
    @IsText(1, 5)
    readonly text?: unknown;
    @MayBeLeftOut()
    @IsText(1, 5, { each: true })
    readonly texts?: unknown;
    @MayBeLeftOut()
    @IsId()
    readonly id?: unknown;
    @MayBeLeftOut()
    @IsBytes()
    readonly bytes?: unknown;
    @MayBeLeftOut()
    @IsCount(1, 10)
    readonly count?: unknown;
  }
  const sample = (plain: object): Sample => plainToInstance(Sample, plain);
  const isValid = (plain: object): boolean => validateSync(sample(plain)).length === 0;

  it.each([
    {},
    { text: 'db-01' },
    { text: 'é😀' },
    { texts: ['a', 'b'] },
    { id: 'C2B7A6D0-7A3C-4D51-8D0E-5B8B6D2E7303' },
    { bytes: 0 },
    { bytes: Number.MAX_SAFE_INTEGER },
    { count: '1' },
    { count: '10' },
  ])('take %j', (plain) => {
    expect(isValid(plain)).toBe(true);
  });

  it.each([
    ...['', '   ', 'longer', 'a\tb', 'a\u0000', 'a\u007f', '\ud800', null, 5, ['a'], {}].map((value) => ({
      text: value,
    })),
    { texts: ['a', 1] },
    { texts: ['a', ''] },
    ...['', 'x', null, 5, 'c2b7a6d07a3c4d518d0e5b8b6d2e7303'].map((value) => ({ id: value })),
    ...[-1, 0.5, 2 ** 53, '1', null, Infinity, NaN].map((value) => ({ bytes: value })),
    ...['0', '11', '', ' 1', '1.0', '0x1', '1e0', null, ['1']].map((value) => ({ count: value })),
  ])('refuse %j', (plain) => {
    expect(isValid(plain)).toBe(false);
  });

  it('write ids small and counts as numbers', () => {
    expect(sample({ id: 'C2B7A6D0-7A3C-4D51-8D0E-5B8B6D2E7303', count: '7' })).toMatchObject({
      id: 'c2b7a6d0-7a3c-4d51-8d0e-5b8b6d2e7303',
      count: 7,
    });
  });
});
