import { makeDataIdentity, type DataPathSecurity, type ServerTls } from '#libs/block-transfer';

/** What server and client of one data path are given; nothing for cleartext. */
export interface DataPath {
  readonly server: { readonly tls?: ServerTls };
  readonly client: { readonly security?: DataPathSecurity };
}

const PATHS = {
  'in the clear': async (): Promise<DataPath> => ({ server: {}, client: {} }),
  'in TLS': async (): Promise<DataPath> => {
    const [identity, agent] = await Promise.all([makeDataIdentity('restorer'), makeDataIdentity('agent')]);
    return {
      server: { tls: { identity, clientCertificate: agent.certificate } },
      client: { security: { identity: agent } },
    };
  },
};

/** For suites that hold either way. */
export const DATA_PATHS = Object.entries(PATHS);
