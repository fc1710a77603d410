import type { Failure, Published } from '#libs/contracts';
import { type Decider, DomainError, type DomainEvent } from '#libs/eventsourcing';

/** A full synchronization has completed: from now on a person may ask for the cutover, anew after a cancellation. */
export type CutoverAllowed = DomainEvent<'CutoverAllowed', { readonly taskId: string }>;
/**
 * The task was cancelled. Whatever was asked for or confirmed stands no more: the source may go back to service, and
 * nobody's word that it is stopped outlives that.
 */
export type CutoverWithdrawn = DomainEvent<'CutoverWithdrawn', { readonly taskId: string }>;
export type CutoverRequested = DomainEvent<
  'CutoverRequested',
  { readonly taskId: string; readonly requestedAt: string }
>;
/** A person has stopped the business services on the source; the source itself runs on. */
export type SourceServicesStopped = DomainEvent<
  'SourceServicesStopped',
  { readonly taskId: string; readonly confirmedAt: string }
>;
export type FinalSyncApproved = DomainEvent<'FinalSyncApproved', Published['finalSyncApproved']>;
export type TakeOverStarted = DomainEvent<'TakeOverStarted', { readonly taskId: string; readonly targetVmId: string }>;
export type TakeOverDeclared = DomainEvent<'TakeOverDeclared', Published['takeOverDeclared']>;

export type CutoverEvent =
  | CutoverAllowed
  | CutoverWithdrawn
  | CutoverRequested
  | SourceServicesStopped
  | FinalSyncApproved
  | TakeOverStarted
  | TakeOverDeclared;

export type CutoverCommand =
  | { readonly type: 'AllowCutover'; readonly taskId: string }
  /** `saidBefore`: what a person has said since then stands; left out: nothing stands. */
  | { readonly type: 'WithdrawCutover'; readonly taskId: string; readonly saidBefore?: string | undefined }
  | { readonly type: 'RequestCutover'; readonly taskId: string }
  | { readonly type: 'ConfirmSourceServicesStopped'; readonly taskId: string }
  | { readonly type: 'StartTakeOver'; readonly taskId: string; readonly targetVmId: string }
  | { readonly type: 'DeclareTakeOver'; readonly targetVmId: string };

export interface Cutover {
  readonly taskId: string;
  readonly status: 'withdrawn' | 'possible' | 'requested' | 'final-sync-approved' | 'taking-over' | 'taken-over';
  readonly requestedAt: string | null;
  readonly sourceServicesStoppedAt: string | null;
  readonly targetVmId: string | null;
  readonly takenOverAt: string | null;
  readonly failure: Failure | null;
}

export type CutoverState = Cutover | null;

const initialState: CutoverState = null as CutoverState;

const refuse = (code: string, message: string, remedy: string): DomainError => new DomainError(code, message, remedy);

const noFullSync = (): DomainError =>
  refuse(
    'CUTOVER.NO_FULL_SYNC',
    'The cutover is not possible yet: a full synchronization has to complete first.',
    'Let the full synchronization complete, then request the cutover.',
  );

const taskCancelled = (): DomainError =>
  refuse(
    'PLANNING.TASK_CANCELLED',
    'The task was cancelled, so no cutover is possible.',
    'Withdraw the cancellation and let a full synchronization be complete, then request the cutover.',
  );

const alreadyTakenOver = (): DomainError =>
  refuse(
    'CUTOVER.ALREADY_TAKEN_OVER',
    'The target takes over, or has taken over already.',
    'Let the take-over end; then nothing is left to do for this task.',
  );

const fresh = (taskId: string, status: 'withdrawn' | 'possible'): Cutover => ({
  taskId,
  status,
  requestedAt: null,
  sourceServicesStoppedAt: null,
  targetVmId: null,
  takenOverAt: null,
  failure: null,
});

const evolveCutover = (state: Cutover, event: Exclude<CutoverEvent, CutoverAllowed | CutoverWithdrawn>): Cutover => {
  switch (event.type) {
    case 'CutoverRequested':
      return { ...state, status: 'requested', requestedAt: event.data.requestedAt };
    case 'SourceServicesStopped':
      return { ...state, sourceServicesStoppedAt: event.data.confirmedAt };
    case 'FinalSyncApproved':
      return { ...state, status: 'final-sync-approved' };
    case 'TakeOverStarted':
      return { ...state, status: 'taking-over', targetVmId: event.data.targetVmId };
    case 'TakeOverDeclared':
      return { ...state, status: 'taken-over', takenOverAt: event.data.declaredAt };
  }
};

const decideCutover = (
  command: Exclude<CutoverCommand, { type: 'AllowCutover' | 'WithdrawCutover' }>,
  state: Cutover,
  { now, actor }: { readonly now: string; readonly actor: string },
): CutoverEvent[] => {
  const { taskId, status } = state;
  switch (command.type) {
    case 'RequestCutover':
      if (status === 'taken-over') throw alreadyTakenOver();
      if (status === 'withdrawn') throw taskCancelled();
      if (status !== 'possible') {
        throw refuse(
          'CUTOVER.ALREADY_REQUESTED',
          'The cutover was requested before.',
          'Stop the services of the source and confirm it.',
        );
      }
      return [{ type: 'CutoverRequested', data: { taskId, requestedAt: now } }];
    case 'ConfirmSourceServicesStopped':
      if (status === 'withdrawn') throw taskCancelled();
      if (status === 'possible') {
        throw refuse('CUTOVER.NOT_REQUESTED', 'The cutover has not been requested.', 'Request the cutover first.');
      }
      if (status !== 'requested') return []; // confirmed before
      return [
        { type: 'SourceServicesStopped', data: { taskId, confirmedAt: now } },
        { type: 'FinalSyncApproved', data: { taskId, confirmedBy: actor } },
      ];
    case 'StartTakeOver':
      if (status === 'taken-over') return [];
      // Asked for again after a failure: the target is booted once more.
      if (status !== 'final-sync-approved' && status !== 'taking-over') {
        throw refuse(
          'CUTOVER.NOT_APPROVED',
          'Nobody has confirmed that the services of the source are stopped.',
          'Request the cutover and confirm it.',
        );
      }
      return [{ type: 'TakeOverStarted', data: { taskId, targetVmId: command.targetVmId } }];
    case 'DeclareTakeOver':
      if (status !== 'taking-over' || state.targetVmId !== command.targetVmId) return [];
      return [{ type: 'TakeOverDeclared', data: { taskId, targetVmId: command.targetVmId, declaredAt: now } }];
  }
};

/** Allowed again after a cancellation, but not twice. */
const allow = (taskId: string, state: CutoverState): CutoverEvent[] =>
  state === null || state.status === 'withdrawn' ? [{ type: 'CutoverAllowed', data: { taskId } }] : [];

/** When a person last spoke: asked for the cutover, or confirmed it. */
const lastWordAt = (state: CutoverState): string | null => state?.sourceServicesStoppedAt ?? state?.requestedAt ?? null;

/** Recorded also for a cutover that was not possible yet: what was on its way then comes too late. */
const withdraw = (
  { taskId, saidBefore }: Extract<CutoverCommand, { type: 'WithdrawCutover' }>,
  state: CutoverState,
): CutoverEvent[] => {
  if (state?.status === 'withdrawn') return [];
  const word = lastWordAt(state);
  // The task was cancelled and taken back long ago, and this was on its way since.
  if (saidBefore !== undefined && word !== null && word >= saidBefore) return [];
  if (state?.status === 'taking-over' || state?.status === 'taken-over') throw alreadyTakenOver();
  return [{ type: 'CutoverWithdrawn', data: { taskId } }];
};

export const cutoverDecider: Decider<CutoverState, CutoverCommand, CutoverEvent> = {
  initialState,
  evolve: (state, event) => {
    if (event.type === 'CutoverAllowed') return fresh(event.data.taskId, 'possible');
    if (event.type === 'CutoverWithdrawn') return fresh(event.data.taskId, 'withdrawn');
    return state === null ? null : evolveCutover(state, event);
  },
  decide: (command, state, context) => {
    if (command.type === 'AllowCutover') return allow(command.taskId, state);
    if (command.type === 'WithdrawCutover') return withdraw(command, state);
    if (state === null) throw noFullSync();
    return decideCutover(command, state, context);
  },
};
