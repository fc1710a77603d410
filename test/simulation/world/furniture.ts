import { hashOf } from '../../../apps/transfer/src/enrolment/secret.js';
import { endpointIdOf } from '../../../apps/transfer/src/enrolment/domain/enrolment-token.decider.js';
import type { HciSiteView, MachineInventory, SourceMachineView } from '#libs/contracts';
import { type CommandContext, handleCommand } from '#libs/eventsourcing';
import { BLOCK_BYTES } from '../ends/contents.js';
import type { Credential } from '../ends/control-link.js';
import type { SourceMachine } from '../ends/source-machine.js';
import { endpoints, enrolmentTokens, hciSites } from './aggregates.js';
import type { EventLog } from './event-log.js';
import type { Random } from './random.js';
import type { SimulatedClock } from './simulated-clock.js';

/** What an order needs to be there before it. */
export interface Furniture {
  readonly agent: Credential;
  readonly site: HciSiteView;
  readonly sourceMachine: SourceMachineView;
  record(log: EventLog, clock: SimulatedClock): Promise<void>;
}

const LONG_AGO = '2026-01-01T00:00:00.000Z';

export const furnish = (source: SourceMachine, random: Random): Furniture => {
  const [siteId, tokenId, secret, credential] = [random.uuid(), random.uuid(), random.uuid(), random.uuid()];
  const endpointId = endpointIdOf(tokenId);
  const site = { siteId, name: 'simulated', driver: 'local-process', version: '6.11.3' } as const;
  const inventory = inventoryOf(source);
  return {
    agent: { endpointId, credential },
    site: { ...site, registeredAt: LONG_AGO },
    sourceMachine: {
      sourceMachineId: endpointId,
      name: 'source',
      connected: true,
      enrolledAt: LONG_AGO,
      lastChangeAt: LONG_AGO,
      software: 'landfall 0.1.0',
      inventory,
    },
    record: async (log, clock) => {
      const context = (): CommandContext => {
        const commandId = random.uuid();
        return {
          commandId,
          correlationId: commandId,
          causationId: commandId,
          actor: 'operator:setter-up',
          now: clock.now,
        };
      };
      const token = { enrolmentTokenId: tokenId, kind: 'agent', name: 'source', secretHash: hashOf(secret) } as const;
      const issue = {
        type: 'IssueEnrolmentToken',
        token: { ...token, expiresAt: '2027-01-01T00:00:00.000Z' },
      } as const;
      const redeem = { type: 'RedeemEnrolmentToken', secretHash: hashOf(secret), kind: 'agent' } as const;
      const identity = { endpointId, kind: 'agent', name: 'source', enrolmentTokenId: tokenId } as const;
      const enrol = { type: 'EnrolEndpoint', ...identity, credentialHash: hashOf(credential) } as const;
      await handleCommand(log, hciSites, siteId, { type: 'RegisterHciSite', site }, context());
      await handleCommand(log, enrolmentTokens, tokenId, issue, context());
      await handleCommand(log, enrolmentTokens, tokenId, redeem, context());
      await handleCommand(log, endpoints, endpointId, enrol, context());
      await handleCommand(log, endpoints, endpointId, { type: 'ReportInventory', inventory }, context());
    },
  };
};

const GIBIBYTE = 1024 ** 3;

const inventoryOf = ({ disks }: SourceMachine): MachineInventory => ({
  hostname: 'source',
  operatingSystem: { name: 'Debian', version: '13', kernel: '6.12', architecture: 'x86_64' },
  firmware: 'uefi',
  cpuCount: 2,
  memoryBytes: 8 * GIBIBYTE,
  memoryFreeBytes: 4 * GIBIBYTE,
  networkMounts: [],
  disks: disks.map(({ diskId, contents }, index) => ({
    diskId,
    device: `/dev/sd${String.fromCharCode(97 + index)}`,
    sizeBytes: contents.length * BLOCK_BYTES,
    logicalSectorBytes: 512,
    transport: 'sata',
    external: false,
    allocation: 'fixed',
    partitionTable: 'none',
    partitions: [],
    fileSystem: {
      type: 'ext4',
      uuid: null,
      label: null,
      sizeBytes: contents.length * BLOCK_BYTES,
      usedBytes: null,
      mountPoint: `/data/${index}`,
    },
  })),
});
