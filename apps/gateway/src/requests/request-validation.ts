import { ValidationPipe } from '@nestjs/common';
import { fieldErrorsOf } from '../problem-details/field-errors.js';
import { requestInvalid } from '../problem-details/refusals.js';

/** Takes what a route describes and nothing else: unknown fields are refused, and no type is bent into another. */
export const requestValidation = (): ValidationPipe =>
  new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => requestInvalid(fieldErrorsOf(errors)),
  });
