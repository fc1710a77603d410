import type { EndpointKind } from '#libs/contracts';
import { type Decider, DomainError, type DomainEvent, uuidV5 } from '#libs/eventsourcing';

export type EnrolmentTokenIssued = DomainEvent<
  'EnrolmentTokenIssued',
  {
    readonly enrolmentTokenId: string;
    readonly kind: EndpointKind;
    /** The endpoint's name when the issuer fixed it; null leaves it to the endpoint. */
    readonly name: string | null;
    /** SHA-256 of the secret, hexadecimal; the secret itself is never recorded. */
    readonly secretHash: string;
    readonly expiresAt: string;
  }
>;
export type EnrolmentTokenRedeemed = DomainEvent<
  'EnrolmentTokenRedeemed',
  { readonly enrolmentTokenId: string; readonly endpointId: string }
>;
export type EnrolmentTokenEvent = EnrolmentTokenIssued | EnrolmentTokenRedeemed;

export type EnrolmentTokenCommand =
  | { readonly type: 'IssueEnrolmentToken'; readonly token: EnrolmentTokenIssued['data'] }
  | { readonly type: 'RedeemEnrolmentToken'; readonly secretHash: string; readonly kind: EndpointKind };

export type EnrolmentTokenState = (EnrolmentTokenIssued['data'] & { readonly endpointId: string | null }) | null;

const refuse = (code: string, message: string): DomainError =>
  new DomainError(code, message, 'Ask for a new enrolment token and use it once, before it expires.');

/** An endpoint has the same id however often its enrolment is repeated. */
export const endpointIdOf = (enrolmentTokenId: string): string => uuidV5(enrolmentTokenId, 'endpoint');

export const enrolmentTokenDecider: Decider<EnrolmentTokenState, EnrolmentTokenCommand, EnrolmentTokenEvent> = {
  initialState: null,
  evolve: (state, event) => {
    switch (event.type) {
      case 'EnrolmentTokenIssued':
        return { ...event.data, endpointId: null };
      case 'EnrolmentTokenRedeemed':
        return state === null ? null : { ...state, endpointId: event.data.endpointId };
    }
  },
  decide: (command, state, context) => {
    if (command.type === 'IssueEnrolmentToken') {
      return state === null ? [{ type: 'EnrolmentTokenIssued', data: command.token }] : [];
    }
    if (state?.secretHash !== command.secretHash)
      throw refuse('TRANSFER.TOKEN_INVALID', 'The enrolment token is not known.');
    if (context.now >= state.expiresAt) throw refuse('TRANSFER.TOKEN_EXPIRED', 'The enrolment token has expired.');
    if (state.kind !== command.kind) {
      throw refuse('TRANSFER.ENDPOINT_KIND_MISMATCH', `The enrolment token is for an endpoint of kind ${state.kind}.`);
    }
    // Redeemed before: whether the endpoint may have another credential is the endpoint's own decision.
    if (state.endpointId !== null) return [];
    const { enrolmentTokenId } = state;
    return [{ type: 'EnrolmentTokenRedeemed', data: { enrolmentTokenId, endpointId: endpointIdOf(enrolmentTokenId) } }];
  },
};
