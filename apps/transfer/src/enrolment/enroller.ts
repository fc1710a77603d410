import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EndpointKind, EnrolReply, EnrolRequest } from '#libs/contracts';
import { type CommandContext, DomainError, handleCommand, load, reactionIdOf } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import { enrolmentTokens } from './enrolment-token.aggregate.js';
import { endpointIdOf } from './domain/enrolment-token.decider.js';
import { hashOf, matches, newSecret } from './secret.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Gives endpoints their identity: a one-time token against an id and a credential. */
@Injectable()
export class Enroller {
  constructor(private readonly store: EventStoreDb) {}

  /** @returns the token as it is handed to a person or a restore environment; only its hash is recorded */
  async issue(
    kind: EndpointKind,
    name: string | null,
    expiresAt: string,
    context: CommandContext,
  ): Promise<{ token: string }> {
    const enrolmentTokenId = randomUUID();
    const secret = newSecret();
    const token = { enrolmentTokenId, kind, name, secretHash: hashOf(secret), expiresAt };
    // A repeated command gets another token, as the first one's secret is not known any more: an event of its own.
    const own = { ...context, commandId: reactionIdOf(context.commandId, enrolmentTokenId) };
    await handleCommand(this.store, enrolmentTokens, enrolmentTokenId, { type: 'IssueEnrolmentToken', token }, own);
    return { token: `${enrolmentTokenId}.${secret}` };
  }

  /**
   * A repeated enrolment, whose first answer was lost, gets a new credential as long as the endpoint never connected.
   * @throws DomainError when the token is unknown, expired, used, or for another kind, or its endpoint is revoked
   */
  async enrol(request: EnrolRequest): Promise<EnrolReply> {
    const [tokenId = '', secret = ''] = request.token.split('.');
    if (!UUID.test(tokenId)) {
      throw new DomainError('TRANSFER.TOKEN_INVALID', 'The enrolment token is malformed.', 'Copy the whole token.');
    }
    const endpointId = endpointIdOf(tokenId);
    // The token's own event is the cause: so a restore environment that enrols belongs to its migration's history.
    const issued = (await load(this.store, enrolmentTokens, tokenId)).persisted[0];
    const context: CommandContext = {
      commandId: randomUUID(),
      correlationId: issued?.metadata.correlationId ?? tokenId,
      causationId: issued?.id ?? tokenId,
      actor: `endpoint:${endpointId}`,
      now: new Date().toISOString(),
    };
    const redeem = { type: 'RedeemEnrolmentToken', secretHash: hashOf(secret), kind: request.kind } as const;
    const { state } = await handleCommand(this.store, enrolmentTokens, tokenId, redeem, context);
    const credential = newSecret();
    await handleCommand(
      this.store,
      endpoints,
      endpointId,
      {
        type: 'EnrolEndpoint',
        endpointId,
        kind: request.kind,
        name: state?.name ?? request.name,
        enrolmentTokenId: tokenId,
        credentialHash: hashOf(credential),
      },
      // A command of its own: two streams would get events of the same id otherwise.
      { ...context, commandId: reactionIdOf(context.commandId, 'enrol-endpoint') },
    );
    return { endpointId, credential };
  }

  /** @returns what the endpoint is, or null when id and credential do not belong together, or are revoked */
  async authenticate(
    endpointId: string,
    credential: string,
  ): Promise<{ endpointId: string; kind: EndpointKind } | null> {
    if (!UUID.test(endpointId)) return null;
    const { state } = await load(this.store, endpoints, endpointId);
    if (state?.revokedAt !== null || !matches(credential, state.credentialHash)) return null;
    return { endpointId, kind: state.kind };
  }
}
