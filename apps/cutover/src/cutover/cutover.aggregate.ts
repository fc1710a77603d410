import * as z from 'zod';
import { PUBLISHED, instant } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import { type CutoverCommand, type CutoverEvent, type CutoverState, cutoverDecider } from './domain/cutover.decider.js';

const taskId = z.uuid();

export const cutovers: Aggregate<CutoverState, CutoverCommand, CutoverEvent> = {
  category: 'cutover',
  producer: 'cutover',
  decider: cutoverDecider,
  codec: defineCodec<CutoverEvent>({
    CutoverAllowed: { stored: 'cutover.cutover-allowed.v1', schema: z.object({ taskId }) },
    CutoverWithdrawn: { stored: 'cutover.cutover-withdrawn.v1', schema: z.object({ taskId }) },
    CutoverRequested: { stored: 'cutover.cutover-requested.v1', schema: z.object({ taskId, requestedAt: instant }) },
    SourceServicesStopped: {
      stored: 'cutover.source-services-stopped.v1',
      schema: z.object({ taskId, confirmedAt: instant }),
    },
    FinalSyncApproved: PUBLISHED.finalSyncApproved,
    TakeOverStarted: {
      stored: 'cutover.take-over-started.v1',
      schema: z.object({ taskId, targetVmId: z.uuid() }),
    },
    TakeOverDeclared: PUBLISHED.takeOverDeclared,
  }),
};
