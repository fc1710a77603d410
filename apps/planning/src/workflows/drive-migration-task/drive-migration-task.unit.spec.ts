import { describe, expect, it } from 'vitest';
import { PUBLISHED } from '#libs/contracts';
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
    [new DomainError('TRANSFER.ROUND_RUNNING', 'No.', 'Wait.'), { code: 'TRANSFER.ROUND_RUNNING', remedy: 'Wait.' }],
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
  });
  const reached = async ({ own }: Pick<Awaited<ReturnType<typeof scene>>, 'own'>) =>
    (await own()).filter(({ storedType }) => storedType === 'planning.synchronization-time-point-reached.v1');

  it.each([
    ['a full synchronization', [ready]],
    ['keeping in sync', [ready, synced]],
  ])('asks for a round during %s', async (_when, past) => {
    const each = await scene(...past, schedule, reach(1));
    for (const event of await reached(each)) await each.workflow.react(event);
    expect(each.bus.calls).toMatchObject([{ subject: START_ROUND, data: { taskId: TASK, trigger: 'schedule' } }]);
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
