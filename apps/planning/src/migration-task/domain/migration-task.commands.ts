import type { Failure, RoundKind, RoundTrigger, Schedule, TaskSettings, ThrottleSettings } from '#libs/contracts';
import type { MigrationTaskCreated } from './migration-task.events.js';

export type MigrationTaskCommand =
  | {
      readonly type: 'CreateMigrationTask';
      readonly order: Omit<MigrationTaskCreated['data'], 'itinerary' | 'createdAt' | 'settings'> & {
        readonly settings: TaskSettings;
      };
    }
  /** A fact that some phase may wait for has happened. */
  | { readonly type: 'NoteFact'; readonly fact: string; readonly restorerId: string | null }
  /** Something that a phase depends on has failed. `phases` are those that it halts. */
  | { readonly type: 'NoteFailure'; readonly phases: readonly string[]; readonly failure: Failure }
  | {
      readonly type: 'NoteRoundStarted';
      readonly roundId: string;
      readonly roundKind: RoundKind;
      readonly trigger: RoundTrigger;
    }
  | { readonly type: 'RetryMigrationTask' }
  | { readonly type: 'PauseMigrationTask' }
  | { readonly type: 'ResumeMigrationTask' }
  /** `graceSeconds` null: as the task's settings say. A pause ends with it, and does not come back. */
  | { readonly type: 'CancelMigrationTask'; readonly graceSeconds: number | null }
  | { readonly type: 'WithdrawCancellation' }
  | { readonly type: 'ReachCleanUp'; readonly generation: number }
  /** The target VM is gone; nothing else was created. */
  | { readonly type: 'NoteTargetRemoved' }
  | { readonly type: 'NoteCleanUpFailure'; readonly failure: Failure }
  /** `nextTimePoint` is computed outside, from the schedule and the command's time. */
  | { readonly type: 'ScheduleSync'; readonly schedule: Schedule; readonly nextTimePoint: string }
  | { readonly type: 'RemoveSyncSchedule' }
  | { readonly type: 'AdjustThrottle'; readonly throttle: ThrottleSettings }
  | {
      readonly type: 'ReachTimePoint';
      readonly generation: number;
      readonly timePoint: string;
      readonly nextTimePoint: string;
      /** It is over for so long that nobody can have looked meanwhile. */
      readonly isOverdue: boolean;
    };

export type CommandOf<Type extends MigrationTaskCommand['type']> = Extract<MigrationTaskCommand, { type: Type }>;
