import * as z from 'zod';
import { PUBLISHED, instant, machineInventory } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import {
  type EndpointCommand,
  type EndpointEvent,
  type EndpointState,
  endpointDecider,
} from './domain/endpoint.decider.js';

const endpointId = z.uuid();
const connectionId = z.uuid();

export const endpoints: Aggregate<EndpointState, EndpointCommand, EndpointEvent> = {
  category: 'endpoint',
  producer: 'transfer',
  decider: endpointDecider,
  codec: defineCodec<EndpointEvent>({
    EndpointEnrolled: PUBLISHED.endpointEnrolled,
    EndpointCredentialReplaced: {
      stored: 'transfer.endpoint-credential-replaced.v1',
      schema: z.object({ endpointId, credentialHash: z.string() }),
    },
    EndpointConnected: PUBLISHED.endpointConnected,
    EndpointDisconnected: {
      stored: 'transfer.endpoint-disconnected.v1',
      schema: z.object({ endpointId, connectionId, reason: z.string() }),
    },
    InventoryReported: {
      stored: 'transfer.inventory-reported.v1',
      schema: z.object({ endpointId, inventory: machineInventory }),
    },
    EndpointRevoked: {
      stored: PUBLISHED.endpointRevoked.stored,
      schema: z.object({ endpointId, revokedAt: instant }),
    },
  }),
};
