import * as z from 'zod';
import { endpointKind, instant } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import {
  type EnrolmentTokenCommand,
  type EnrolmentTokenEvent,
  type EnrolmentTokenState,
  enrolmentTokenDecider,
} from './domain/enrolment-token.decider.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const enrolmentTokens: Aggregate<EnrolmentTokenState, EnrolmentTokenCommand, EnrolmentTokenEvent> = {
  category: 'enrolmentToken',
  producer: 'transfer',
  decider: enrolmentTokenDecider,
  codec: defineCodec<EnrolmentTokenEvent>({
    EnrolmentTokenIssued: {
      stored: 'transfer.enrolment-token-issued.v1',
      schema: z.object({
        enrolmentTokenId: z.uuid(),
        kind: endpointKind,
        name: z.string().nullable(),
        secretHash: sha256,
        expiresAt: instant,
      }),
    },
    EnrolmentTokenRedeemed: {
      stored: 'transfer.enrolment-token-redeemed.v1',
      schema: z.object({ enrolmentTokenId: z.uuid(), endpointId: z.uuid() }),
    },
  }),
};
