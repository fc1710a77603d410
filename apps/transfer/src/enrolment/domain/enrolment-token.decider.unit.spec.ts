import { describe, expect, it } from 'vitest';
import { uuidV5 } from '#libs/eventsourcing';
import { DeciderSpec, expectFoldToSurviveTheReadModel } from '#libs/testing';
import { type EnrolmentTokenEvent, endpointIdOf, enrolmentTokenDecider } from './enrolment-token.decider.js';

const spec = DeciderSpec.of(enrolmentTokenDecider);
const enrolmentTokenId = '6a1c3e5f-0001-4000-8000-000000000001';
const endpointId = uuidV5(enrolmentTokenId, 'endpoint');
const token = {
  enrolmentTokenId,
  kind: 'agent',
  name: 'web1',
  secretHash: 'a'.repeat(64),
  expiresAt: '2026-03-01T11:00:00.000Z',
} as const;
const issued: EnrolmentTokenEvent = { type: 'EnrolmentTokenIssued', data: token };
const redeemed: EnrolmentTokenEvent = { type: 'EnrolmentTokenRedeemed', data: { enrolmentTokenId, endpointId } };
const issue = { type: 'IssueEnrolmentToken', token } as const;
const redeem = { type: 'RedeemEnrolmentToken', secretHash: token.secretHash, kind: 'agent' } as const;

describe('an enrolment token', () => {
  it('is issued once', () => {
    spec.given([]).when(issue).then([issued]);
    spec.given([issued]).when(issue).thenNothing();
  });

  it('is redeemed for the one endpoint that it can ever mean', () => {
    spec.given([issued]).when(redeem).then([redeemed]);
    expect(endpointIdOf(enrolmentTokenId)).toBe(endpointId);
  });

  it('gives nothing new when it is redeemed again: the answer may have been lost', () => {
    spec.given([issued, redeemed]).when(redeem).thenNothing();
  });

  it('is good up to the moment in which it expires, and no longer, redeemed or not', () => {
    spec.given([issued]).when(redeem, { now: '2026-03-01T10:59:59.999Z' }).then([redeemed]);
    for (const history of [[issued], [issued, redeemed]]) {
      spec.given(history).when(redeem, { now: token.expiresAt }).thenRefused('TRANSFER.TOKEN_EXPIRED');
    }
  });

  it.each([
    ['was never issued', [], redeem.secretHash],
    ['has another secret', [issued], 'b'.repeat(64)],
    ['has another secret, after it was redeemed', [issued, redeemed], 'b'.repeat(64)],
  ])('is refused when it %s', (_what, history, secretHash) => {
    spec
      .given(history)
      .when({ ...redeem, secretHash })
      .thenRefused('TRANSFER.TOKEN_INVALID');
  });

  it('does not tell a stranger that it has expired', () => {
    const command = { ...redeem, secretHash: 'b'.repeat(64) };
    spec.given([issued]).when(command, { now: '2027-01-01T00:00:00.000Z' }).thenRefused('TRANSFER.TOKEN_INVALID');
  });

  it('is for one kind of endpoint', () => {
    spec
      .given([issued])
      .when({ ...redeem, kind: 'restorer' })
      .thenRefused('TRANSFER.ENDPOINT_KIND_MISMATCH');
  });

  it('has a state that a read model keeps as it is', () => {
    expectFoldToSurviveTheReadModel(enrolmentTokenDecider, [issued, redeemed]);
  });
});
