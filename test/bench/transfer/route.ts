export const LOOPBACK = '127.0.0.1';

/** Folders as nbdkit and nbdcopy look for them: `ca-cert.pem`, and certificate and key of this end. */
export interface TlsFolders {
  readonly server: string;
  readonly client: string;
}

/** Where a copy goes from and to. */
export interface Route {
  readonly folder: string;
  readonly device: string;
  readonly targetPath: string;
  /** Where the target is served. */
  readonly port: number;
  /** Where clients connect to, when something is in between. */
  readonly dialPort: number;
  readonly tls: TlsFolders;
}
