import { HttpException } from '@nestjs/common';
import { MAX_BODY_BYTES } from '../requests/request-body.js';
import {
  bodyTooLarge,
  malformedJson,
  methodNotAllowed,
  requestInvalid,
  routeNotFound,
  unsupportedMediaType,
} from './refusals.js';

/**
 * Says in our codes what the framework refused: bodies that its parser does not take, and paths without a route.
 * @param allowed methods that the path takes, empty when there is nothing at the path
 * @returns the error itself when it is not one of the framework's refusals
 */
export const asRefusal = (error: unknown, allowed: readonly string[]): unknown => {
  if (!(error instanceof HttpException)) return error;
  switch (error.getStatus()) {
    case 400:
      return error.cause instanceof SyntaxError
        ? malformedJson()
        : requestInvalid([{ field: '', message: 'the request cannot be read' }]);
    case 404:
      return allowed.length === 0 ? routeNotFound() : methodNotAllowed(allowed);
    case 413:
      return bodyTooLarge(MAX_BODY_BYTES);
    case 415:
      return unsupportedMediaType();
    default:
      return error;
  }
};
