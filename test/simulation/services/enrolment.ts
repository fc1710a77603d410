import { endpointIdOf } from '../../../apps/transfer/src/enrolment/domain/enrolment-token.decider.js';
import { Enroller } from '../../../apps/transfer/src/enrolment/enroller.js';
import { hashOf } from '../../../apps/transfer/src/enrolment/secret.js';
import { type EndpointKind, transferCalls } from '#libs/contracts';
import { type CommandContext, handleCommand, load, reactionIdOf } from '#libs/eventsourcing';
import type { EventStoreDb } from '#libs/eventstore';
import type { Credential } from '../ends/control-link.js';
import { endpoints, enrolmentTokens } from '../world/aggregates.js';
import type { Random } from '../world/random.js';
import { answering } from './controllers.js';
import type { Ground } from './service.js';

/** What Enroller does, with ids and secrets that the seed gives; whom it knows is asked of the real one. */
export class SeededEnroller {
  readonly #real: Enroller;

  constructor(
    private readonly ground: Ground,
    private readonly random: Random,
  ) {
    this.#real = new Enroller(ground.store as unknown as EventStoreDb);
  }

  /** The call for a token. */
  get answer() {
    return answering(transferCalls.issueEnrolmentToken, async ({ kind, name, validSeconds }, context) => {
      const expiresAt = new Date(Date.parse(context.now) + validSeconds * 1000).toISOString();
      const [enrolmentTokenId, secret] = [this.random.uuid(), this.random.uuid()];
      const token = { enrolmentTokenId, kind, name, secretHash: hashOf(secret), expiresAt };
      const command = { type: 'IssueEnrolmentToken', token } as const;
      const own = { ...context, commandId: reactionIdOf(context.commandId, enrolmentTokenId) };
      await handleCommand(this.ground.store, enrolmentTokens, enrolmentTokenId, command, own);
      return { token: `${enrolmentTokenId}.${secret}`, expiresAt, serverUrl: 'http://127.0.0.1:8081' };
    });
  }

  /** @throws DomainError, TransientError */
  async enrol(token: string, name: string): Promise<Credential> {
    const { store, life } = this.ground;
    const [tokenId = '', secret = ''] = token.split('.');
    const endpointId = endpointIdOf(tokenId);
    const issued = (await load(store, enrolmentTokens, tokenId)).persisted[0];
    const context: CommandContext = {
      commandId: this.random.uuid(),
      correlationId: issued?.metadata.correlationId ?? tokenId,
      causationId: issued?.id ?? tokenId,
      actor: `endpoint:${endpointId}`,
      now: life.clock.now,
    };
    const redeem = { type: 'RedeemEnrolmentToken', secretHash: hashOf(secret), kind: 'restorer' } as const;
    const { state } = await handleCommand(store, enrolmentTokens, tokenId, redeem, context);
    const credential = this.random.uuid();
    const identity = { endpointId, kind: 'restorer', name: state?.name ?? name, enrolmentTokenId: tokenId } as const;
    const enrol = { type: 'EnrolEndpoint', ...identity, credentialHash: hashOf(credential) } as const;
    const own = { ...context, commandId: reactionIdOf(context.commandId, 'enrol-endpoint') };
    await handleCommand(store, endpoints, endpointId, enrol, own);
    return { endpointId, credential };
  }

  /** @returns null when the credential is refused for good. @throws TransientError when that cannot be told now */
  async authenticate({
    endpointId,
    credential,
  }: Credential): Promise<{ endpointId: string; kind: EndpointKind } | null> {
    return this.#real.authenticate(endpointId, credential);
  }
}
