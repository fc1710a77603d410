import { z } from 'zod';
import { isLoopback, parseEnvironment } from '#libs/program';
import { serviceEnvironment } from '#libs/service-kit';

const variables = serviceEnvironment.extend({
  /** Where the local-process driver keeps its target VMs. */
  LOCAL_PROCESS_FOLDER: z.string().min(1),
  /** The bundled restorer program that the local-process driver runs. */
  RESTORER_PROGRAM: z.string().min(1),
  /** Where its restorers dial the transfer service, when that is not where other endpoints do. */
  LOCAL_PROCESS_SERVER_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Lets its restorers speak cleartext to another host, on a network that nobody else is on. */
  LOCAL_PROCESS_INSECURE_NETWORK: z.enum(['true', 'false']).default('false'),
  /** Address at which its restorers serve their disks. */
  LOCAL_PROCESS_LISTEN_HOST: z.string().min(1).default('127.0.0.1'),
});

const provisioningConfig = variables.refine(
  ({ LOCAL_PROCESS_LISTEN_HOST: host, LOCAL_PROCESS_INSECURE_NETWORK: isInsecure }) =>
    isLoopback(host) || isInsecure === 'true',
  {
    path: ['LOCAL_PROCESS_LISTEN_HOST'],
    when: () => true,
    message:
      'disks are served in the clear: bind them to loopback, or set LOCAL_PROCESS_INSECURE_NETWORK=true on a network that nobody else is on',
  },
);

export type ProvisioningConfig = Readonly<z.output<typeof provisioningConfig>>;

export const parseProvisioningConfig = (environment: NodeJS.ProcessEnv): ProvisioningConfig =>
  parseEnvironment(provisioningConfig, environment);
