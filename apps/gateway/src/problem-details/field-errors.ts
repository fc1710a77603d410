import type { ValidationError } from '@nestjs/common';
import type { FieldError } from './refusals.js';

/** Whoever sends ten thousand wrong fields needs to hear of some. */
const MAX_FIELD_ERRORS = 50;
const MAX_TEXT_CHARACTERS = 300;

const cut = (text: string): string =>
  text.length <= MAX_TEXT_CHARACTERS ? text : `${text.slice(0, MAX_TEXT_CHARACTERS)}...`;

/** Findings of the validator, one per broken rule, with the field's whole path such as `target.disks.0.sizeBytes`. */
export const fieldErrorsOf = (errors: readonly ValidationError[]): readonly FieldError[] =>
  [...findings(errors, '')].slice(0, MAX_FIELD_ERRORS);

function* findings(errors: readonly ValidationError[], parent: string): Generator<FieldError> {
  for (const { property, constraints, children } of errors) {
    const field = parent === '' ? property : `${parent}.${property}`;
    for (const message of Object.values(constraints ?? {})) yield { field: cut(field), message: cut(message) };
    yield* findings(children ?? [], field);
  }
}
