import type { EndpointKind, MachineInventory, Published } from '#libs/contracts';
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
export type EndpointConnected = DomainEvent<'EndpointConnected', Published['endpointConnected']>;
export type EndpointDisconnected = DomainEvent<
  'EndpointDisconnected',
  { readonly endpointId: string; readonly connectionId: string; readonly reason: string }
>;
export type InventoryReported = DomainEvent<
  'InventoryReported',
  { readonly endpointId: string; readonly inventory: MachineInventory }
>;
/** Its credential is refused from here on, and so is its token. */
export type EndpointRevoked = DomainEvent<
  'EndpointRevoked',
  { readonly endpointId: string; readonly revokedAt: string }
>;
export type EndpointEvent =
  | EndpointEnrolled
  | EndpointCredentialReplaced
  | EndpointConnected
  | EndpointDisconnected
  | InventoryReported
  | EndpointRevoked;

export type EndpointCommand =
  | ({ readonly type: 'EnrolEndpoint' } & Omit<Identity, 'enrolledAt'>)
  | {
      readonly type: 'NoteConnected';
      readonly connectionId: string;
      readonly software: string;
      readonly serverId?: string | undefined;
      readonly dataCertificate?: string | undefined;
    }
  | { readonly type: 'NoteDisconnected'; readonly connectionId: string; readonly reason: string }
  | { readonly type: 'ReportInventory'; readonly inventory: MachineInventory }
  | { readonly type: 'RevokeEndpoint' };

export type EndpointState =
  | (Identity & {
      readonly software: string | null;
      /** The connection in use; null while there is none. */
      readonly connectionId: string | null;
      /** The process that holds it, as far as that is known. */
      readonly serverId: string | null;
      /** What its newest process shows on the data path; null: nothing. */
      readonly dataCertificate: string | null;
      readonly everConnected: boolean;
      readonly inventory: MachineInventory | null;
      readonly revokedAt: string | null;
    })
  | null;

const notEnrolled = (): DomainError =>
  new DomainError(
    'TRANSFER.SOURCE_NOT_ENROLLED',
    'This machine is not enrolled.',
    'Enrol its agent with an enrolment token first.',
  );

const revoked = (): DomainError =>
  new DomainError(
    'TRANSFER.ENDPOINT_REVOKED',
    'This endpoint is not accepted any more: what it belonged to was removed.',
    'Enrol it again with a new enrolment token.',
  );

const decideEnrolled = (command: EndpointCommand, state: NonNullable<EndpointState>, now: string): EndpointEvent[] => {
  const { endpointId } = state;
  if (state.revokedAt !== null && command.type !== 'NoteDisconnected' && command.type !== 'RevokeEndpoint') {
    throw revoked();
  }
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
      const { connectionId, software, serverId, dataCertificate } = command;
      const { kind, name } = state;
      const shown = dataCertificate === undefined ? {} : { dataCertificate };
      const data = { endpointId, connectionId, software, serverId, kind, name, ...shown };
      return [{ type: 'EndpointConnected', data }];
    }
    case 'NoteDisconnected': {
      const { connectionId, reason } = command;
      if (state.connectionId !== connectionId) return []; // a newer connection has taken its place
      return [{ type: 'EndpointDisconnected', data: { endpointId, connectionId, reason } }];
    }
    case 'ReportInventory':
      if (JSON.stringify(state.inventory) === JSON.stringify(command.inventory)) return [];
      return [{ type: 'InventoryReported', data: { endpointId, inventory: command.inventory } }];
    case 'RevokeEndpoint':
      return state.revokedAt === null ? [{ type: 'EndpointRevoked', data: { endpointId, revokedAt: now } }] : [];
  }
};

const NO_CONNECTION = { connectionId: null, serverId: null } as const;

export const endpointDecider: Decider<EndpointState, EndpointCommand, EndpointEvent> = {
  initialState: null,
  evolve: (state, event) => {
    if (event.type === 'EndpointEnrolled') {
      const unseen = { software: null, ...NO_CONNECTION, dataCertificate: null, everConnected: false };
      return { ...event.data, ...unseen, inventory: null, revokedAt: null };
    }
    if (state === null) return null;
    switch (event.type) {
      case 'EndpointCredentialReplaced':
        return { ...state, credentialHash: event.data.credentialHash };
      case 'EndpointConnected': {
        const { connectionId, software, serverId = null, dataCertificate = null } = event.data;
        return { ...state, connectionId, serverId, software, dataCertificate, everConnected: true };
      }
      case 'EndpointDisconnected':
        return { ...state, ...NO_CONNECTION };
      case 'InventoryReported':
        return { ...state, inventory: event.data.inventory };
      case 'EndpointRevoked':
        return { ...state, revokedAt: event.data.revokedAt };
    }
  },
  decide: (command, state, context) => {
    if (state !== null) return decideEnrolled(command, state, context.now);
    if (command.type !== 'EnrolEndpoint') throw notEnrolled();
    const { type: _type, ...identity } = command;
    return [{ type: 'EndpointEnrolled', data: { ...identity, enrolledAt: context.now } }];
  },
};
