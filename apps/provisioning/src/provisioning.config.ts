import { z } from 'zod';
import { parseEnvironment } from '#libs/program';
import { serviceEnvironment } from '#libs/service-kit';

const provisioningConfig = serviceEnvironment.extend({
  /** Where the local-process driver keeps its target VMs. */
  LOCAL_PROCESS_FOLDER: z.string().min(1),
  /** The bundled restorer program that the local-process driver runs. */
  RESTORER_PROGRAM: z.string().min(1),
  /** Where its restorers dial the transfer service, when that is not where other endpoints do. */
  LOCAL_PROCESS_SERVER_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Lets its restorers speak cleartext to another host, on a network that nobody else is on. */
  LOCAL_PROCESS_INSECURE_NETWORK: z.enum(['true', 'false']).default('false'),
});

export type ProvisioningConfig = Readonly<z.output<typeof provisioningConfig>>;

export const parseProvisioningConfig = (environment: NodeJS.ProcessEnv): ProvisioningConfig =>
  parseEnvironment(provisioningConfig, environment);
