import 'reflect-metadata';
import { ConsoleLogger, type DynamicModule, type INestMicroservice, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { natsOptions } from '#libs/messaging';
import type { ServiceEnvironment } from './environment.js';
import { reportHealth, serveHealth } from './health.js';
import { Readers } from './readers.js';

export interface RunningService {
  readonly application: INestMicroservice;
  close(): Promise<void>;
}

/** A service waits this long, attempt by attempt, for Postgres, NATS and the event store to be there. */
const START_ATTEMPTS = 40;
const START_RETRY_MS = 500;

/** Starts a service: its Nest application on NATS, in a queue group of its name, and its health endpoint. */
export const startService = async (
  service: string,
  module: DynamicModule,
  environment: ServiceEnvironment,
): Promise<RunningService> => {
  const logger = new ConsoleLogger(service, {
    json: process.env['LOG_FORMAT'] === 'json',
    colors: false,
    logLevels: logLevels(),
  });
  const application = await create(module, logger, service, environment);
  await application.listen();
  const health =
    environment.HEALTH_PORT === undefined
      ? null
      : await serveHealth(environment.HEALTH_HOST, environment.HEALTH_PORT, () =>
          reportHealth(application.get(DataSource, { strict: false }), application.get(Readers, { strict: false })),
        );
  new Logger(service).log('ready');
  return {
    application,
    close: async () => {
      await health?.close();
      await application.close();
    },
  };
};

const logLevels = (): ('fatal' | 'error' | 'warn' | 'log')[] =>
  process.env['LOG_LEVEL'] === 'warn' ? ['fatal', 'error', 'warn'] : ['fatal', 'error', 'warn', 'log'];

const create = async (
  module: DynamicModule,
  logger: ConsoleLogger,
  service: string,
  environment: ServiceEnvironment,
): Promise<INestMicroservice> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await NestFactory.createMicroservice<MicroserviceOptions>(module, {
        transport: Transport.NATS,
        options: { ...natsOptions(environment.NATS_URL, service), queue: service },
        logger,
        abortOnError: false,
      });
    } catch (error) {
      if (attempt >= START_ATTEMPTS) throw error;
      logger.warn(`not ready yet (${error instanceof Error ? error.message : String(error)}), trying again`);
      await new Promise((resolve) => setTimeout(resolve, START_RETRY_MS));
    }
  }
};
