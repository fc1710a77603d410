import * as z from 'zod';
import { cutoverView, migrationTaskView, replicationView } from '#libs/contracts';

/** Everything about one migration: what planning, transfer and cutover each say. */
export const taskDocument = z.object({
  task: migrationTaskView,
  replication: replicationView.nullable(),
  cutover: cutoverView,
});
export type TaskDocument = z.output<typeof taskDocument>;
