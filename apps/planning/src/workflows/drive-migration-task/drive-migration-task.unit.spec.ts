import { describe, expect, it } from 'vitest';
import { PUBLISHED, UNLIMITED_THROTTLE } from '#libs/contracts';
import {
  DomainError,
  type NewEvent,
  PermanentError,
  type PersistedEvent,
  TransientError,
  eventIdOf,
  handleCommand,
  load,
  metadataOf,
  reactionIdOf,
} from '#libs/eventsourcing';
import { InMemoryEventStore, RecordedCalls, exampleContext, nthContext } from '#libs/testing';
import type { MigrationTaskCommand } from '../../migration-task/domain/migration-task.commands.js';
import { migrationTasks } from '../../migration-task/migration-task.aggregate.js';
import { HOURLY, ORDER, RESTORER, TASK } from '../../migration-task/migration-task.examples.js';
import { driveMigrationTask } from './drive-migration-task.js';

const START_ROUND = 'landfall.transfer.start-sync-round';

/** A task in memory, its workflow, and services that say yes. */
const scene = async (...commands: MigrationTaskCommand[]) => {
  const store = new InMemoryEventStore();
  const bus = new RecordedCalls({ [START_ROUND]: { roundId: null, skipped: null } });
  const workflow = driveMigrationTask(store, bus);
  let count = 0;
  const tell = async (command: MigrationTaskCommand) =>
    handleCommand(store, migrationTasks, TASK, command, nthContext((count += 1)));
  for (const command of [{ type: 'CreateMigrationTask', order: ORDER } as const, ...commands]) await tell(command);
  const own = () => store.readStream(`migrationTask-${TASK}`);
  const phase = async () => (await load(store, migrationTasks, TASK)).state?.phase;
  return { store, bus, workflow, tell, own, phase };
};

const ready: MigrationTaskCommand = { type: 'NoteFact', fact: 'target-vm-ready', restorerId: RESTORER };
const synced: MigrationTaskCommand = { type: 'NoteFact', fact: 'full-sync-completed', restorerId: null };
const foreign = async (store: InMemoryEventStore, stream: string, storedType: string, data: unknown) => {
  const event: NewEvent = {
    id: eventIdOf(exampleContext().commandId, 7),
    storedType,
    data,
    metadata: metadataOf(exampleContext(), 'someone'),
  };
  await store.append(stream, 'no-stream', [event]);
  return (await store.readStream(stream))[0]!;
};
const startOf = (events: readonly PersistedEvent[], phase: string): PersistedEvent =>
  events.findLast(
    ({ storedType, data }) => storedType === 'planning.phase-started.v1' && (data as { phase: string }).phase === phase,
  )!;

describe('the workflow of a migration', () => {
  it('takes the action of the phase that has started, as a command that the event alone names', async () => {
    const { workflow, bus, own } = await scene(ready);
    const started = startOf(await own(), 'full-sync');
    await workflow.react(started);
    await workflow.react(started);
    expect(bus.calls.map(({ subject }) => subject)).toEqual(Array(2).fill('landfall.transfer.start-full-sync'));
    expect(bus.calls.map(({ origin }) => origin.commandId)).toEqual(
      Array(2).fill(reactionIdOf(started.id, 'start-full-sync')),
    );
    expect(bus.calls[0]?.origin).toMatchObject({ causationId: started.id, actor: 'service:planning' });
  });

  it('tells the transfer what the task may take of its source now, whichever change it hears of', async () => {
    const { workflow, bus, own, tell } = await scene(ready);
    const faster = { ...UNLIMITED_THROTTLE, storageShare: 0.5 };
    for (const throttle of [UNLIMITED_THROTTLE, faster]) await tell({ type: 'AdjustThrottle', throttle });
    const changes = (await own()).filter(({ storedType }) => storedType === 'planning.throttle-adjusted.v1');
    for (const change of changes) await workflow.react(change);
    expect(bus.calls.map(({ subject, data }) => [subject, data])).toEqual(
      Array(2).fill(['landfall.transfer.adjust-throttle', { taskId: TASK, throttle: faster }]),
    );
    bus.nextFailure = new DomainError('TRANSFER.NOT_STARTED', 'Not yet.', 'Wait.');
    await workflow.react(changes[0]!);
  });

  it('takes no action for a phase that has passed', async () => {
    const { workflow, bus, own } = await scene(ready);
    await workflow.react(startOf(await own(), 'prepare-target'));
    expect(bus.calls).toEqual([]);
  });

  it('takes no action at the end of a phase, nor for a schedule that is set', async () => {
    const { workflow, bus, own, tell } = await scene(ready);
    await tell({ type: 'ScheduleSync', schedule: HOURLY, nextTimePoint: '2026-03-01T11:00:00.000Z' });
    for (const event of await own()) {
      if (event.storedType !== 'planning.phase-started.v1') await workflow.react(event);
    }
    expect(bus.calls).toEqual([]);
  });

  it('tells a task what it waited for, once', async () => {
    const { workflow, store, phase, own } = await scene();
    const { stored } = PUBLISHED.targetVmReady;
    const data = { targetVmId: ORDER.targetVmId, taskId: TASK, restorerId: RESTORER };
    const event = await foreign(store, `targetVm-${ORDER.targetVmId}`, stored, data);
    await workflow.react(event);
    expect(await phase()).toBe('full-sync');
    const length = (await own()).length;
    await workflow.react(event);
    expect(await own()).toHaveLength(length);
  });

  it('passes over what concerns no task', async () => {
    const { workflow, store, own } = await scene();
    const before = await own();
    await workflow.react(await foreign(store, 'replication-1', 'transfer.final-sync-queued.v1', { taskId: TASK }));
    expect(await own()).toEqual(before);
  });

  it('leaves what may pass to its reader, which tries again', async () => {
    const { workflow, bus, own } = await scene(ready);
    const started = startOf(await own(), 'full-sync');
    const away = new TransientError('away');
    bus.nextFailure = away;
    await expect(workflow.react(started)).rejects.toBe(away);
  });

  it.each([
    [new DomainError('TRANSFER.STOPPED', 'No.', 'Wait.'), { code: 'TRANSFER.STOPPED', remedy: 'Wait.' }],
    [new PermanentError('no such thing'), { code: 'PHASE_ACTION_FAILED', detail: 'no such thing' }],
  ])('halts the task with the reason when its action cannot succeed: %s', async (error, failure) => {
    const { workflow, bus, own, store } = await scene(ready);
    bus.nextFailure = error;
    await workflow.react(startOf(await own(), 'full-sync'));
    const { state } = await load(store, migrationTasks, TASK);
    expect(state).toMatchObject({ status: 'halted', phase: 'full-sync', halt: failure });
  });
});

describe('a synchronization time point', () => {
  const at = (hour: number) => `2026-02-01T${String(hour).padStart(2, '0')}:00:00.000Z`;
  const schedule: MigrationTaskCommand = { type: 'ScheduleSync', schedule: HOURLY, nextTimePoint: at(1) };
  const reach = (hour: number): MigrationTaskCommand => ({
    type: 'ReachTimePoint',
    generation: 1,
    timePoint: at(hour),
    nextTimePoint: at(hour + 1),
    isOverdue: false,
  });
  const reached = async ({ own }: Pick<Awaited<ReturnType<typeof scene>>, 'own'>) =>
    (await own()).filter(({ storedType }) => storedType === 'planning.synchronization-time-point-reached.v1');

  it.each([
    ['a full synchronization', [ready]],
    ['keeping in sync', [ready, synced]],
  ])('asks for a round during %s', async (_when, past) => {
    const each = await scene(...past, schedule, reach(1));
    for (const event of await reached(each)) await each.workflow.react(event);
    const data = { taskId: TASK, trigger: 'schedule', resend: false };
    expect(each.bus.calls).toMatchObject([{ subject: START_ROUND, data }]);
  });

  it('asks for nothing in other phases', async () => {
    const each = await scene(schedule, reach(1));
    for (const event of await reached(each)) await each.workflow.react(event);
    expect(each.bus.calls).toEqual([]);
  });

  it('asks for nothing when a later one has been reached meanwhile', async () => {
    const each = await scene(ready, synced, schedule, reach(1), reach(2));
    const events = await reached(each);
    expect(events).toHaveLength(2);
    await each.workflow.react(events[0]!);
    expect(each.bus.calls).toEqual([]);
    await each.workflow.react(events[1]!);
    expect(each.bus.calls).toHaveLength(1);
  });
});

const SUBJECTS = {
  pause: 'landfall.transfer.pause-replication',
  resume: 'landfall.transfer.resume-replication',
  stop: 'landfall.transfer.stop-replication',
  reinstate: 'landfall.transfer.reinstate-replication',
  withdrawCutover: 'landfall.cutover.withdraw-cutover',
  removeTargetVm: 'landfall.provisioning.remove-target-vm',
  startFullSync: 'landfall.transfer.start-full-sync',
  allowCutover: 'landfall.cutover.allow-cutover',
} as const;
type Scene = Awaited<ReturnType<typeof scene>>;
const subjectsOf = ({ bus }: Scene): string[] => bus.calls.map(({ subject }) => subject);
const last = async ({ own }: Scene, type: string): Promise<PersistedEvent> =>
  (await own()).findLast(({ storedType }) => storedType === `planning.${type}.v1`)!;
const state = async ({ store }: Scene) => (await load(store, migrationTasks, TASK)).state!;

const pause: MigrationTaskCommand = { type: 'PauseMigrationTask' };
const resume: MigrationTaskCommand = { type: 'ResumeMigrationTask' };
const cancel: MigrationTaskCommand = { type: 'CancelMigrationTask', graceSeconds: 0 };
const withdraw: MigrationTaskCommand = { type: 'WithdrawCancellation' };
const reachCleanUp: MigrationTaskCommand = { type: 'ReachCleanUp', generation: 1 };
const notStarted = new DomainError('TRANSFER.NOT_STARTED', 'No.', 'Wait.');

describe('a task that a person pauses', () => {
  it('holds its transfer, and lets it go on when it is resumed, before its next phase begins', async () => {
    const each = await scene(ready, pause);
    await each.workflow.react(await last(each, 'migration-task-paused'));
    expect(subjectsOf(each)).toEqual([SUBJECTS.pause]);
    await each.tell(synced);
    await each.tell(resume);
    for (const event of (await each.own()).slice(-2)) await each.workflow.react(event);
    expect(subjectsOf(each).slice(1)).toEqual([SUBJECTS.resume, SUBJECTS.allowCutover]);
  });

  it('has nothing to hold before the transfer has begun', async () => {
    const each = await scene(pause);
    each.bus.nextFailure = notStarted;
    await each.workflow.react(await last(each, 'migration-task-paused'));
    expect(await state(each)).toMatchObject({ status: 'paused', halt: null });
  });

  it('holds nothing when it was resumed meanwhile, and lets nothing go on when it was paused again', async () => {
    const each = await scene(ready, pause, resume);
    await each.workflow.react(await last(each, 'migration-task-paused'));
    await each.tell(pause);
    await each.workflow.react(await last(each, 'migration-task-resumed'));
    expect(subjectsOf(each)).toEqual([]);
  });

  it('does not act on a phase that was over while it rested', async () => {
    const each = await scene(ready, pause, synced);
    await each.workflow.react(startOf(await each.own(), 'full-sync'));
    expect(subjectsOf(each)).toEqual([]);
  });
});

describe('a task that is cancelled', () => {
  it('ends its work and its cutover, in a way that asking twice does not repeat', async () => {
    const each = await scene(ready, cancel);
    const cancelled = await last(each, 'migration-task-cancelled');
    await each.workflow.react(cancelled);
    await each.workflow.react(cancelled);
    expect(subjectsOf(each)).toEqual([
      SUBJECTS.stop,
      SUBJECTS.withdrawCutover,
      SUBJECTS.stop,
      SUBJECTS.withdrawCutover,
    ]);
    expect(new Set(each.bus.calls.map(({ origin }) => origin.commandId)).size).toBe(2);
  });

  it('begins nothing that was about to begin', async () => {
    const each = await scene(ready, cancel);
    await each.workflow.react(startOf(await each.own(), 'full-sync'));
    expect(subjectsOf(each)).toEqual([]);
  });

  it('goes on when that is withdrawn: first its work may, then it does', async () => {
    const each = await scene(ready, cancel, withdraw);
    await each.workflow.react(await last(each, 'migration-task-cancelled'));
    for (const event of (await each.own()).slice(-2)) await each.workflow.react(event);
    expect(subjectsOf(each)).toEqual([SUBJECTS.reinstate, SUBJECTS.resume, SUBJECTS.startFullSync]);
  });

  it('ends what its cutover rested on, when that is withdrawn before anybody could act on the cancellation', async () => {
    const approved: MigrationTaskCommand = { type: 'NoteFact', fact: 'final-sync-approved', restorerId: null };
    const each = await scene(ready, synced, approved, cancel, withdraw);
    for (const event of (await each.own()).slice(-3)) await each.workflow.react(event);
    expect(subjectsOf(each)).toEqual([
      SUBJECTS.stop,
      SUBJECTS.withdrawCutover,
      SUBJECTS.reinstate,
      SUBJECTS.resume,
      SUBJECTS.allowCutover,
    ]);
    // A cutover that somebody asked for after that is another one.
    const withdrawnAt = (await last(each, 'cancellation-withdrawn')).metadata.occurredAt;
    expect(each.bus.calls[1]?.data).toMatchObject({ saidBefore: withdrawnAt });
  });

  it('is not resumed by that when it was paused since', async () => {
    const each = await scene(ready, cancel, withdraw, pause);
    await each.workflow.react(await last(each, 'cancellation-withdrawn'));
    expect(subjectsOf(each)).toEqual([SUBJECTS.reinstate]);
  });

  it('stops a round that began late, as a paused one holds it', async () => {
    const round = { taskId: TASK, roundId: RESTORER, number: 1, roundKind: 'full', trigger: 'itinerary' };
    for (const [command, subject] of [[cancel, SUBJECTS.stop] as const, [pause, SUBJECTS.pause] as const]) {
      const each = await scene(ready, command);
      await each.workflow.react(
        await foreign(each.store, `replication-${TASK}`, PUBLISHED.syncRoundStarted.stored, round),
      );
      expect(subjectsOf(each)).toEqual([subject]);
    }
  });

  it('takes back a confirmation that came late', async () => {
    const each = await scene(ready, synced, cancel);
    const data = { taskId: TASK, confirmedBy: 'operator:bob' };
    await each.workflow.react(await foreign(each.store, `cutover-${TASK}`, PUBLISHED.finalSyncApproved.stored, data));
    expect(subjectsOf(each)).toEqual([SUBJECTS.withdrawCutover]);
    expect(await state(each)).toMatchObject({ status: 'cancelling', phase: 'keep-in-sync', isPhaseOver: false });
  });

  it('takes no step of a cutover from before a cancellation that was withdrawn, whenever it is read', async () => {
    const each = await scene(ready, synced);
    const data = { taskId: TASK, confirmedBy: 'operator:bob' };
    const approved = await foreign(each.store, `cutover-${TASK}`, PUBLISHED.finalSyncApproved.stored, data);
    for (const command of [cancel, withdraw]) await each.tell(command);
    await each.workflow.react(approved);
    expect(await state(each)).toMatchObject({ status: 'running', phase: 'keep-in-sync', isPhaseOver: false });
  });
});

describe('a halted task', () => {
  const failed: MigrationTaskCommand = {
    type: 'NoteFailure',
    phases: ['full-sync'],
    failure: { code: 'DATA_PATH_LOST', detail: 'x', remedy: 'Wait.' },
  };
  const round = { taskId: TASK, roundId: RESTORER, number: 2, roundKind: 'full', trigger: 'manual' };

  it('goes on with a round that somebody else began', async () => {
    const each = await scene(ready, failed);
    await each.workflow.react(
      await foreign(each.store, `replication-${TASK}`, PUBLISHED.syncRoundStarted.stored, round),
    );
    expect(await state(each)).toMatchObject({ status: 'running', halt: null });
  });

  it('stays halted by the beginning of a round that is over, read late', async () => {
    const each = await scene(ready, failed);
    const started = await foreign(each.store, `replication-${TASK}`, PUBLISHED.syncRoundStarted.stored, round);
    const ended: NewEvent = {
      id: eventIdOf(exampleContext().commandId, 8),
      storedType: PUBLISHED.syncRoundFailed.stored,
      data: {},
      metadata: metadataOf(exampleContext(), 'transfer'),
    };
    await each.store.append(`replication-${TASK}`, 0n, [ended]);
    await each.workflow.react(started);
    expect(await state(each)).toMatchObject({ status: 'halted' });
  });

  it('is not halted anew because the round that it asks for is running', async () => {
    const each = await scene(ready, failed, { type: 'RetryMigrationTask' });
    each.bus.nextFailure = new DomainError('TRANSFER.ROUND_RUNNING', 'A round is running.', 'Wait.');
    await each.workflow.react(await last(each, 'phase-started'));
    expect(await state(each)).toMatchObject({ status: 'running', halt: null });
  });
});

describe('the clean-up of a task', () => {
  const cleaningUp = async () => {
    const each = await scene(ready, cancel, reachCleanUp);
    return { ...each, started: await last(each, 'clean-up-started') };
  };

  it('ends its work, then removes what was created', async () => {
    const each = await cleaningUp();
    await each.workflow.react(each.started);
    expect(subjectsOf(each)).toEqual([SUBJECTS.stop, SUBJECTS.withdrawCutover, SUBJECTS.removeTargetVm]);
    expect(each.bus.calls.at(-1)).toMatchObject({
      data: { targetVmId: ORDER.targetVmId, taskId: TASK },
      origin: { commandId: reactionIdOf(each.started.id, 'remove-target-vm') },
    });
  });

  it('removes a target VM of a transfer that never began', async () => {
    const each = await cleaningUp();
    each.bus.nextFailure = notStarted;
    await each.workflow.react(each.started);
    expect(subjectsOf(each)).toContain(SUBJECTS.removeTargetVm);
  });

  it('is over, and with it the task, when the target VM is gone', async () => {
    const each = await cleaningUp();
    const data = { targetVmId: ORDER.targetVmId, taskId: TASK, restorerId: RESTORER };
    const stream = `targetVm-${ORDER.targetVmId}`;
    await each.workflow.react(await foreign(each.store, stream, PUBLISHED.targetVmRemoved.stored, data));
    expect(await state(each)).toMatchObject({ status: 'cancelled' });
    await each.workflow.react(each.started);
    expect(subjectsOf(each)).toEqual([]);
  });

  it.each([
    new DomainError('PROVISIONING.TARGET_VM_IN_PRODUCTION', 'No.', 'Look.'),
    new PermanentError('no such thing'),
  ])('waits for a person when it is refused or can never succeed: %s', async (error) => {
    const each = await cleaningUp();
    each.bus.nextFailure = error;
    await each.workflow.react(each.started);
    expect(await state(each)).toMatchObject({ status: 'cleaning-up', cleanUpFailure: { detail: error.message } });
    await each.tell({ type: 'RetryMigrationTask' });
    await each.workflow.react(await last(each, 'clean-up-started'));
    expect(subjectsOf(each).at(-1)).toBe(SUBJECTS.removeTargetVm);
  });

  it('is left to its reader, which tries again, when the failure may pass', async () => {
    const each = await cleaningUp();
    each.bus.nextFailure = new TransientError('away');
    await expect(each.workflow.react(each.started)).rejects.toBeInstanceOf(TransientError);
    expect(await state(each)).toMatchObject({ status: 'cleaning-up', cleanUpFailure: null });
  });
});

describe('a transfer that rests, or works, against its task', () => {
  const pause: MigrationTaskCommand = { type: 'PauseMigrationTask' };
  const cancel = { type: 'CancelMigrationTask', graceSeconds: null } as const;
  const { replicationPaused, replicationResumed, replicationStopped, replicationReinstated } = PUBLISHED;

  it.each([
    ['paused late, after its task was resumed', [ready], replicationPaused, ['resume-replication']],
    ['paused as its task is', [ready, pause], replicationPaused, []],
    ['resumed though its task is paused', [ready, pause], replicationResumed, ['pause-replication']],
    ['stopped though its task was taken back', [ready], replicationStopped, ['reinstate-replication']],
    ['stopped as its task is', [ready, cancel], replicationStopped, []],
    ['reinstated though its task is cancelled', [ready, cancel], replicationReinstated, ['stop-replication']],
    ['reinstated as its task is', [ready], replicationReinstated, []],
  ] as const)('is put right when it was %s', async (_what, commands, { stored }, calls) => {
    const { workflow, store, bus } = await scene(...commands);
    await workflow.react(await foreign(store, `replication-${TASK}`, stored, { taskId: TASK }));
    expect(bus.calls.map(({ subject }) => subject)).toEqual(calls.map((call) => `landfall.transfer.${call}`));
  });
});
