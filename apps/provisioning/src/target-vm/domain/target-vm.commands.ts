import type { Failure } from '#libs/contracts';
import type { TargetVmOrder } from './target-vm.events.js';

export type TargetVmCommand =
  | { readonly type: 'RequestTargetVm'; readonly order: TargetVmOrder }
  /**
   * The hypervisor has answered, and the restore environment runs. `isEnrolled`: it was started without a token, as it
   * needs none any more. `enrolBy`: until when its first connection is waited for.
   */
  | {
      readonly type: 'NoteCreated';
      readonly reference: string;
      readonly isEnrolled: boolean;
      readonly enrolBy: string;
    }
  /** The connection that was waited for until `enrolBy` is overdue. */
  | { readonly type: 'ReachEnrolmentDeadline'; readonly enrolBy: string }
  | { readonly type: 'NoteRestorerEnrolled'; readonly restorerId: string }
  | { readonly type: 'NoteRestorerConnected'; readonly restorerId: string }
  | { readonly type: 'NoteFailed'; readonly failure: Failure }
  | { readonly type: 'RequestBootFromDisk' }
  | { readonly type: 'NoteBootedFromDisk' }
  | { readonly type: 'RequestRemoval'; readonly targetVmId: string; readonly taskId: string }
  /** `reference`: what the machine was called when its removal was asked of the hypervisor. */
  | { readonly type: 'NoteRemoved'; readonly reference: string | null }
  | { readonly type: 'NoteRemovalFailed'; readonly failure: Failure };

export type CommandOf<Type extends TargetVmCommand['type']> = Extract<TargetVmCommand, { type: Type }>;
