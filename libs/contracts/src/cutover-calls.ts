import * as z from 'zod';
import { failure } from './published-events.js';
import { instant } from './quantities.js';
import { nothing, serviceCall } from './service-call.js';

export const cutoverView = z.object({
  taskId: z.uuid(),
  status: z.enum([
    'not-possible-yet',
    'possible',
    'requested',
    'final-sync-approved',
    'taking-over',
    'taken-over',
    'failed',
  ]),
  requestedAt: instant.nullable(),
  sourceServicesStoppedAt: instant.nullable(),
  takenOverAt: instant.nullable(),
  failure: failure.nullable(),
});
export type CutoverView = z.infer<typeof cutoverView>;

const ofTask = z.object({ taskId: z.uuid() });

export const cutoverCalls = {
  allowCutover: serviceCall('cutover.allow-cutover', ofTask, nothing),
  /**
   * The task was cancelled: no request is taken, and none that was made stands, until the cutover is allowed again.
   * With `saidBefore`: unless a person has asked for it, or confirmed it, since then.
   */
  withdrawCutover: serviceCall('cutover.withdraw-cutover', ofTask.extend({ saidBefore: instant.optional() }), nothing),
  requestCutover: serviceCall('cutover.request-cutover', ofTask, cutoverView),
  /** A person says that the business services on the source are stopped; the source itself runs on. */
  confirmSourceServicesStopped: serviceCall('cutover.confirm-source-services-stopped', ofTask, cutoverView),
  takeOver: serviceCall('cutover.take-over', z.object({ taskId: z.uuid(), targetVmId: z.uuid() }), nothing),
  getCutover: serviceCall('cutover.get-cutover', ofTask, cutoverView),
} as const;
