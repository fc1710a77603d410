import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsInt, IsUUID, Max, Min, ValidateBy, ValidateIf, type ValidationOptions } from 'class-validator';

// eslint-disable-next-line no-control-regex -- control characters are what it is about
const CONTROL = /[\u0000-\u001f\u007f]/;

const isText = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'string' &&
  value.length <= max &&
  value.trim().length >= min &&
  !CONTROL.test(value) &&
  value.isWellFormed();

/**
 * Text of people and machines: not blank, one line, and well-formed. Half a surrogate pair or a NUL would be recorded
 * in an event, and then be what no database takes.
 */
export const IsText = (min: number, max: number, options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isText',
      constraints: [min, max],
      validator: {
        validate: (value: unknown) => isText(value, min, max),
        defaultMessage: () =>
          `${options?.each === true ? 'each value in ' : ''}$property must be text of ${min} to ${max} characters without control characters`,
      },
    },
    options,
  );

/** The field may be missing; null, unlike with `@IsOptional()`, is a value of the wrong type. */
export const MayBeLeftOut = (): PropertyDecorator =>
  ValidateIf((_object: object, value: unknown) => value !== undefined);

/** An id as services keep it: ids are compared as text, so letters are small. */
export const IsId = (): PropertyDecorator =>
  applyDecorators(
    IsUUID('all'),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value)),
  );

/** A size in bytes, exact in a double. */
export const IsBytes = (): PropertyDecorator => applyDecorators(IsInt(), Min(0), Max(Number.MAX_SAFE_INTEGER));

/** A query parameter is text; only decimal digits are a number. */
export const IsCount = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    IsInt(),
    Min(min),
    Max(max),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
    ),
  );
