import * as z from 'zod';

/** What every service takes from its environment. */
export const serviceEnvironment = z.object({
  EVENTSTORE_URL: z.string().regex(/^(esdb|kurrentdb)(\+discover)?:\/\//, 'must be an esdb:// connection string'),
  NATS_URL: z.string().regex(/^nats:\/\//, 'must be a nats:// URL'),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL'),
  HEALTH_HOST: z.string().default('127.0.0.1'),
  /** Unset: no health endpoint. 0: any free port. */
  HEALTH_PORT: z.coerce.number().int().min(0).max(65535).optional(),
});
export type ServiceEnvironment = z.infer<typeof serviceEnvironment>;
