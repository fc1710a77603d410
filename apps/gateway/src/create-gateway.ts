import 'reflect-metadata';
import { ConsoleLogger, type LogLevel, type LoggerService, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { readApiKeys } from './authentication/read-api-keys.js';
import { requireApiKey } from './authentication/require-api-key.js';
import type { GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { describeInterface } from './openapi/describe-interface.js';
import { OpenApiDocument } from './openapi/openapi-document.js';
import { readJsonBodies } from './requests/request-body.js';
import { beginRequest } from './requests/request-context.js';

/** A request has this long to arrive; answers, and streams of progress above all, may take longer. */
const REQUEST_WITHIN_MS = 30_000;
const HEADERS_WITHIN_MS = 10_000;

/**
 * The gateway, ready to `listen()` or `init()`; `close()` ends streams of progress, then waits for requests in hand.
 * NATS may still be away: the gateway then answers that it cannot help yet.
 * @throws Error when the file of API keys is not as it should be
 */
export const createGateway = async (config: GatewayConfig): Promise<NestExpressApplication> => {
  const keys = await readApiKeys(config.API_KEYS_FILE);
  const application = await createApplication(config.NATS_URL, consoleLogger());
  application.disable('x-powered-by');
  application.disable('etag');
  // In this order: a stranger's body is not read.
  application.use(beginRequest);
  application.use(requireApiKey(keys));
  readJsonBodies(application);
  const server = application.getHttpServer();
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.headersTimeout = HEADERS_WITHIN_MS;
  return application;
};

/** The application with its described routes and nothing in front of them; connects to nothing before it is initialised. */
export const createApplication = async (
  natsUrl: string,
  logger: LoggerService | false,
): Promise<NestExpressApplication> => {
  const options: NestApplicationOptions = { bodyParser: false, abortOnError: false, logger };
  const application = await NestFactory.create<NestExpressApplication>(GatewayModule.for(natsUrl), options);
  application.get(OpenApiDocument).describe(describeInterface(application));
  return application;
};

const consoleLogger = (): ConsoleLogger => {
  const levels: LogLevel[] = ['fatal', 'error', 'warn'];
  if (process.env['LOG_LEVEL'] !== 'warn') levels.push('log');
  return new ConsoleLogger('gateway', {
    json: process.env['LOG_FORMAT'] === 'json',
    colors: false,
    logLevels: levels,
  });
};
