import type { EndpointKind, MachineInventory } from '#libs/contracts';
import { type Decider, DomainError, type DomainEvent } from '#libs/eventsourcing';

interface Identity {
  readonly endpointId: string;
  readonly kind: EndpointKind;
  readonly name: string;
  /** SHA-256 of the credential, hexadecimal. */
  readonly credentialHash: string;
  readonly enrolmentTokenId: string;
  readonly enrolledAt: string;
}

export type EndpointEnrolled = DomainEvent<'EndpointEnrolled', Identity>;
/** The answer to the first enrolment was lost before the endpoint could use it. */
export type EndpointCredentialReplaced = DomainEvent<
  'EndpointCredentialReplaced',
  { readonly endpointId: string; readonly credentialHash: string }
>;
export type EndpointConnected = DomainEvent<
  'EndpointConnected',
  { readonly endpointId: string; readonly connectionId: string; readonly software: string }
>;
export type EndpointDisconnected = DomainEvent<
  'EndpointDisconnected',
  { readonly endpointId: string; readonly connectionId: string; readonly reason: string }
>;
export type InventoryReported = DomainEvent<
  'InventoryReported',
  { readonly endpointId: string; readonly inventory: MachineInventory }
>;
export type EndpointEvent =
  EndpointEnrolled | EndpointCredentialReplaced | EndpointConnected | EndpointDisconnected | InventoryReported;

export type EndpointCommand =
  | ({ readonly type: 'EnrolEndpoint' } & Omit<Identity, 'enrolledAt'>)
  | { readonly type: 'NoteConnected'; readonly connectionId: string; readonly software: string }
  | { readonly type: 'NoteDisconnected'; readonly connectionId: string; readonly reason: string }
  | { readonly type: 'ReportInventory'; readonly inventory: MachineInventory };

export type EndpointState =
  | (Identity & {
      readonly software: string | null;
      /** The connection in use; null while there is none. */
      readonly connectionId: string | null;
      readonly everConnected: boolean;
      readonly inventory: MachineInventory | null;
    })
  | null;

const notEnrolled = (): DomainError =>
  new DomainError(
    'TRANSFER.SOURCE_NOT_ENROLLED',
    'This machine is not enrolled.',
    'Enrol its agent with an enrolment token first.',
  );

const decideEnrolled = (command: EndpointCommand, state: NonNullable<EndpointState>): EndpointEvent[] => {
  const { endpointId } = state;
  switch (command.type) {
    case 'EnrolEndpoint': {
      if (state.everConnected) {
        throw new DomainError(
          'TRANSFER.TOKEN_USED',
          'The enrolment token was used before.',
          'Ask for a new enrolment token.',
        );
      }
      return [{ type: 'EndpointCredentialReplaced', data: { endpointId, credentialHash: command.credentialHash } }];
    }
    case 'NoteConnected': {
      const { connectionId, software } = command;
      return [{ type: 'EndpointConnected', data: { endpointId, connectionId, software } }];
    }
    case 'NoteDisconnected': {
      const { connectionId, reason } = command;
      if (state.connectionId !== connectionId) return []; // a newer connection has taken its place
      return [{ type: 'EndpointDisconnected', data: { endpointId, connectionId, reason } }];
    }
    case 'ReportInventory':
      if (JSON.stringify(state.inventory) === JSON.stringify(command.inventory)) return [];
      return [{ type: 'InventoryReported', data: { endpointId, inventory: command.inventory } }];
  }
};

export const endpointDecider: Decider<EndpointState, EndpointCommand, EndpointEvent> = {
  initialState: null,
  evolve: (state, event) => {
    if (event.type === 'EndpointEnrolled') {
      return { ...event.data, software: null, connectionId: null, everConnected: false, inventory: null };
    }
    if (state === null) return null;
    switch (event.type) {
      case 'EndpointCredentialReplaced':
        return { ...state, credentialHash: event.data.credentialHash };
      case 'EndpointConnected': {
        const { connectionId, software } = event.data;
        return { ...state, connectionId, software, everConnected: true };
      }
      case 'EndpointDisconnected':
        return { ...state, connectionId: null };
      case 'InventoryReported':
        return { ...state, inventory: event.data.inventory };
    }
  },
  decide: (command, state, context) => {
    if (state !== null) return decideEnrolled(command, state);
    if (command.type !== 'EnrolEndpoint') throw notEnrolled();
    const { type: _type, ...identity } = command;
    return [{ type: 'EndpointEnrolled', data: { ...identity, enrolledAt: context.now } }];
  },
};
