import type { MachineInventory } from '#libs/contracts';
import type { EndpointEvent } from './domain/endpoint.decider.js';

/** An enrolled agent, for specs. */

const GIB = 1024 ** 3;

export const ENDPOINT = '7b2d4f60-0001-4000-8000-000000000001';
export const SERVER = '7b2d4f60-0003-4000-8000-000000000003';
export const CONNECTION_1 = '7b2d4f60-0011-4000-8000-000000000011';
export const CONNECTION_2 = '7b2d4f60-0012-4000-8000-000000000012';

export const IDENTITY = {
  endpointId: ENDPOINT,
  kind: 'agent',
  name: 'web1',
  credentialHash: 'c'.repeat(64),
  enrolmentTokenId: '7b2d4f60-0002-4000-8000-000000000002',
} as const;

export const INVENTORY: MachineInventory = {
  hostname: 'web1.example',
  operatingSystem: { name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0', architecture: 'x86_64' },
  firmware: 'uefi',
  cpuCount: 4,
  memoryBytes: 8 * GIB,
  memoryFreeBytes: 4 * GIB,
  disks: [
    {
      diskId: 'disk-a',
      device: '/dev/sda',
      sizeBytes: 40 * GIB,
      logicalSectorBytes: 512,
      transport: 'sata',
      external: false,
      allocation: 'unknown',
      partitionTable: 'gpt',
      partitions: [],
      fileSystem: null,
    },
  ],
  networkMounts: [],
};

export const enrolled: EndpointEvent = {
  type: 'EndpointEnrolled',
  data: { ...IDENTITY, enrolledAt: '2026-03-01T10:00:00.000Z' },
};

export const credentialReplaced: EndpointEvent = {
  type: 'EndpointCredentialReplaced',
  data: { endpointId: ENDPOINT, credentialHash: 'd'.repeat(64) },
};

export const connected = (connectionId: string): EndpointEvent => ({
  type: 'EndpointConnected',
  data: {
    endpointId: ENDPOINT,
    connectionId,
    software: 'landfall-agent 0.1.0',
    serverId: SERVER,
    kind: IDENTITY.kind,
    name: IDENTITY.name,
  },
});

export const disconnected = (connectionId: string): EndpointEvent => ({
  type: 'EndpointDisconnected',
  data: { endpointId: ENDPOINT, connectionId, reason: 'the connection was closed' },
});

export const inventoryReported: EndpointEvent = {
  type: 'InventoryReported',
  data: { endpointId: ENDPOINT, inventory: INVENTORY },
};

export const revoked: EndpointEvent = {
  type: 'EndpointRevoked',
  data: { endpointId: ENDPOINT, revokedAt: '2026-03-02T10:00:00.000Z' },
};
