import * as z from 'zod';
import { isLoopback, parseEnvironment } from '#libs/program';

const gatewayConfig = z
  .object({
    GATEWAY_HOST: z.string().min(1).default('127.0.0.1'),
    /** 0: any free port. */
    GATEWAY_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
    NATS_URL: z.string().regex(/^nats:\/\//, 'must be a nats:// URL'),
    /** JSON file of `{name, sha256}`: who may ask, and the digest of each one's key. */
    API_KEYS_FILE: z.string().min(1),
    /** Set to `true` when something in front of the gateway ends TLS. */
    GATEWAY_BEHIND_TLS: z.enum(['true', 'false']).default('false'),
  })
  .refine((config) => isLoopback(config.GATEWAY_HOST) || config.GATEWAY_BEHIND_TLS === 'true', {
    path: ['GATEWAY_HOST'],
    message: 'keys would travel in the clear: bind to loopback, or set GATEWAY_BEHIND_TLS=true behind a proxy',
    // Reported together with the faults of single variables, not only after those are mended.
    when: ({ value }) => z.looseObject({ GATEWAY_HOST: z.string() }).safeParse(value).success,
  });

export type GatewayConfig = Readonly<z.output<typeof gatewayConfig>>;

/** @throws Error that names every fault at once */
export const parseGatewayConfig = (environment: NodeJS.ProcessEnv): GatewayConfig =>
  parseEnvironment(gatewayConfig, environment);
