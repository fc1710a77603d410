import * as z from 'zod';
import { parseEnvironment } from '#libs/program';
import { serviceEnvironment } from '#libs/service-kit';

const provisioningConfig = serviceEnvironment.extend({
  /** Where the local-process driver keeps its target VMs. */
  LOCAL_PROCESS_FOLDER: z.string().min(1),
  /** The bundled restorer program that the local-process driver runs. */
  RESTORER_PROGRAM: z.string().min(1),
  /** Where its restorers dial the transfer service, when that is not where other endpoints do. */
  LOCAL_PROCESS_SERVER_URL: z.url({ protocol: /^https?$/ }).optional(),
  /**
   * Lets its restorers speak cleartext to another host, on a network that nobody else is on: to the server, and to agents
   * of versions without TLS on the data path.
   */
  LOCAL_PROCESS_INSECURE_NETWORK: z.enum(['true', 'false']).default('false'),
  /** Address at which its restorers serve their disks: in TLS, but for the exception above. */
  LOCAL_PROCESS_LISTEN_HOST: z.string().min(1).default('127.0.0.1'),
});

export type ProvisioningConfig = Readonly<z.output<typeof provisioningConfig>>;

export const parseProvisioningConfig = (environment: NodeJS.ProcessEnv): ProvisioningConfig =>
  parseEnvironment(provisioningConfig, environment);
