import type { Failure, Schedule } from '#libs/contracts';
import type { MigrationTaskCreated } from './migration-task.events.js';

export type MigrationTaskCommand =
  | {
      readonly type: 'CreateMigrationTask';
      readonly order: Omit<MigrationTaskCreated['data'], 'itinerary' | 'createdAt'>;
    }
  /** A fact that some phase may wait for has happened. */
  | { readonly type: 'NoteFact'; readonly fact: string; readonly restorerId: string | null }
  /** Something that a phase depends on has failed. `phases` are those that it halts. */
  | { readonly type: 'NoteFailure'; readonly phases: readonly string[]; readonly failure: Failure }
  | { readonly type: 'RetryMigrationTask' }
  /** `nextTimePoint` is computed outside, from the schedule and the command's time. */
  | { readonly type: 'ScheduleSync'; readonly schedule: Schedule; readonly nextTimePoint: string }
  | { readonly type: 'RemoveSyncSchedule' }
  | {
      readonly type: 'ReachTimePoint';
      readonly generation: number;
      readonly timePoint: string;
      readonly nextTimePoint: string;
    };
