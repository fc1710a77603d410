import * as z from 'zod';
import { isLoopback, parseEnvironment } from '#libs/program';
import { serviceEnvironment } from '#libs/service-kit';

export const TRANSFER_CONFIG = Symbol('TransferConfig');

const transferConfig = serviceEnvironment
  .extend({
    /** Where endpoints dial the control channel. */
    LINK_HOST: z.string().default('127.0.0.1'),
    LINK_PORT: z.coerce.number().int().min(0).max(65535).default(8081),
    /** The URL that endpoints are told to dial; the address of a TLS-terminating proxy, for example. */
    LINK_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Set to `true` when something in front of the control channel ends TLS. */
    LINK_BEHIND_TLS: z.enum(['true', 'false']).default('false'),
    /**
     * Seconds from the start of the service, or from the end of an outage, to the first deadline that it takes for
     * passed and the first endpoint that it takes for gone: endpoints get the time to come back and tell.
     */
    DEADLINE_SETTLE_SECONDS: z.coerce.number().int().min(0).max(3_600).default(30),
  })
  .refine((config) => isLoopback(config.LINK_HOST) || config.LINK_BEHIND_TLS === 'true', {
    path: ['LINK_HOST'],
    // Also when other variables are at fault: every fault is reported at once.
    when: () => true,
    message:
      'the control channel carries credentials in the clear: bind it to loopback, or set LINK_BEHIND_TLS=true behind a proxy',
  });

export type TransferConfig = Readonly<z.output<typeof transferConfig>>;

export const parseTransferConfig = (environment: NodeJS.ProcessEnv): TransferConfig =>
  parseEnvironment(transferConfig, environment);
