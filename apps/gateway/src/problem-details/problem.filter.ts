import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { OpenApiDocument } from '../openapi/openapi-document.js';
import { contextOf } from '../requests/request-context.js';
import { allowedMethods } from './allowed-methods.js';
import { asRefusal } from './framework-errors.js';
import { PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';

/** Answers every error with problem details, and logs what was our fault. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log = new Logger('Problem');

  constructor(private readonly openApi: OpenApiDocument) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const { correlationId } = contextOf(request);
    const error = asRefusal(thrown, allowedMethods(this.openApi.paths, request.path));
    const { headers, document } = problemOf(error, { instance: request.path, correlationId });
    const line = `${correlationId} ${request.method} ${request.path}: ${document.code}`;
    if (document.status === 503) this.#log.warn(`${line}: ${error instanceof Error ? error.message : String(error)}`);
    else if (document.status >= 500) this.#log.error(line, error instanceof Error ? error.stack : String(error));
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(document.status).set(headers).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(document));
  }
}
