import * as z from 'zod';
import { cutoverView, endpointProgress, migrationTaskView, replicationView } from '#libs/contracts';

/** Everything about one migration: what planning, transfer and cutover each say. */
export const taskDocument = z.object({
  task: migrationTaskView,
  replication: replicationView.nullable(),
  cutover: cutoverView,
});
export type TaskDocument = z.infer<typeof taskDocument>;

/** One message of a task's progress stream, by the name of its event. */
export const taskMessage = {
  /** The state at the beginning of the stream. */
  snapshot: taskDocument,
  /** The state after something changed. */
  task: taskDocument,
  /** Telemetry of the endpoint that works now. */
  progress: endpointProgress,
} as const;

export type TaskMessage =
  | { readonly type: 'document'; readonly document: TaskDocument }
  | { readonly type: 'progress'; readonly progress: z.infer<typeof endpointProgress> };
