import type { GatewayClient } from '../../../apps/cli/src/gateway/gateway-client.js';
import type { StandaloneFile } from '../../../apps/cli/src/gateway/connection.js';
import type { RunningProgram } from '../programs/program.js';
import type { SourceDisk } from '../source-disk/index.js';

/** Everything that stands ready before the migration begins. */
export type MigrationSetting = {
  /** Of this run, absolute. */
  readonly folder: string;
  readonly source: SourceDisk;
  readonly server: RunningProgram;
  readonly addresses: StandaloneFile;
  readonly gateway: GatewayClient;
  readonly agent: RunningProgram;
  readonly sourceMachineId: string;
  readonly diskId: string;
  readonly siteId: string;
};
