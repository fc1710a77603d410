import { describe, expect, it } from 'vitest';
import { DeciderSpec } from '#libs/testing';
import {
  COMPLETED,
  CREATED,
  HOURLY,
  TASK,
  cancelled,
  cleanUpCompleted,
  cleanUpStarted,
  historyUpTo,
  paused,
  scheduleRemoved,
  scheduled,
  withdrawn,
} from '../migration-task.examples.js';
import type { MigrationTaskCommand } from './migration-task.commands.js';
import { migrationTaskDecider } from './migration-task.decider.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import { takesTimePoints } from './schedule.decisions.js';

const spec = DeciderSpec.of(migrationTaskDecider);

describe('a synchronization schedule', () => {
  const at = (minute: number) => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
  const schedule = (nextTimePoint: string): MigrationTaskCommand => ({
    type: 'ScheduleSync',
    schedule: HOURLY,
    nextTimePoint,
  });
  const remove: MigrationTaskCommand = { type: 'RemoveSyncSchedule' };
  const reach = (
    generation: number,
    timePoint: string,
    nextTimePoint: string,
    isOverdue = false,
  ): MigrationTaskCommand => ({
    type: 'ReachTimePoint',
    generation,
    timePoint,
    nextTimePoint,
    isOverdue,
  });
  const reached = (generation: number, timePoint: string, nextTimePoint: string): MigrationTaskEvent => ({
    type: 'SynchronizationTimePointReached',
    data: { taskId: TASK, generation, timePoint, nextTimePoint },
  });
  const SCHEDULED = { taskId: TASK, generation: 2, nextTimePoint: at(10) };
  const RUNNING = [...historyUpTo('keep-in-sync'), scheduled(1, at(10))];

  it('is a generation of its own each time it is set or removed', () => {
    spec
      .given(CREATED)
      .when(schedule(at(10)))
      .then([scheduled(1, at(10))]);
    spec
      .given(RUNNING)
      .when(schedule(at(20)))
      .then([scheduled(2, at(20))]);
    spec
      .given(RUNNING)
      .when(remove)
      .then([scheduleRemoved(2)]);
    spec
      .given([...RUNNING, scheduleRemoved(2)])
      .when(schedule(at(20)))
      .then([scheduled(3, at(20))]);
  });

  it('is removed only when there is one', () => {
    spec.given(CREATED).when(remove).thenNothing();
    spec
      .given([...RUNNING, scheduleRemoved(2)])
      .when(remove)
      .thenNothing();
  });

  it('reaches its time point when it is due, and not a moment earlier', () => {
    spec
      .given(RUNNING)
      .when(reach(1, at(10), at(20)), { now: at(10) })
      .then([reached(1, at(10), at(20))]);
    spec
      .given(RUNNING)
      .when(reach(1, at(10), at(20)), { now: '2026-03-01T10:09:59.999Z' })
      .thenNothing();
  });

  it('reaches each time point once', () => {
    const history = [...RUNNING, reached(1, at(10), at(20))];
    spec
      .given(history)
      .when(reach(1, at(10), at(20)), { now: at(30) })
      .thenNothing();
    spec
      .given(history)
      .when(reach(1, at(20), at(30)), { now: at(30) })
      .then([reached(1, at(20), at(30))]);
  });

  it.each([
    ['that was replaced', [...RUNNING, scheduled(2, at(10))]],
    ['that was removed', [...RUNNING, scheduleRemoved(2)]],
    ['of a task that has ended', [...historyUpTo('take-over'), scheduled(1, at(10)), ...COMPLETED.slice(-2)]],
  ])('%s reaches nothing', (_what, history) => {
    spec
      .given(history)
      .when(reach(1, at(10), at(20)), { now: at(30) })
      .thenNothing();
  });

  it('is not set for a task that has ended', () => {
    spec
      .given(COMPLETED)
      .when(schedule(at(10)))
      .thenRefused('PLANNING.TASK_ENDED');
    expect(spec.given([...historyUpTo('take-over'), scheduled(1, at(10)), ...COMPLETED.slice(-2)]).state).toMatchObject(
      {
        schedule: null,
        nextTimePoint: null,
      },
    );
  });

  it('makes up by one round for what passed while nobody could look, unless it says otherwise', () => {
    const late = { now: at(50) };
    for (const catchUp of ['once', undefined] as const) {
      spec
        .given([...RUNNING, { type: 'SyncScheduled', data: { ...SCHEDULED, schedule: { ...HOURLY, catchUp } } }])
        .when(reach(2, at(10), at(59), true), late)
        .then([reached(2, at(10), at(59))]);
    }
  });

  it('passes over what is overdue when it says so, with the reason, and goes on with the next', () => {
    const skipping: MigrationTaskEvent = {
      type: 'SyncScheduled',
      data: { ...SCHEDULED, schedule: { ...HOURLY, catchUp: 'skip' } },
    };
    const history = [...RUNNING, skipping];
    const passed = spec.given(history).when(reach(2, at(10), at(59), true), { now: at(50) });
    expect(passed.events).toEqual([
      {
        type: 'SynchronizationTimePointPassedOver',
        data: {
          taskId: TASK,
          generation: 2,
          timePoint: at(10),
          nextTimePoint: at(59),
          reason: expect.stringContaining(at(50)),
        },
      },
    ]);
    expect(passed.state).toMatchObject({ nextTimePoint: at(59) });
    spec
      .given(history)
      .when(reach(2, at(10), at(59)), { now: at(10) })
      .then([reached(2, at(10), at(59))]);
  });

  it('goes on while the task is paused', () => {
    spec
      .given([...RUNNING, paused])
      .when(reach(1, at(10), at(20)), { now: at(10) })
      .then([reached(1, at(10), at(20))]);
  });

  it('stays with a cancelled task, which takes none of its time points until the cancellation is withdrawn', () => {
    const history = [...RUNNING, cancelled(1)];
    const { state } = spec.given(history);
    expect(state).toMatchObject({ schedule: HOURLY, nextTimePoint: at(10) });
    expect(takesTimePoints(state!)).toBe(false);
    const due = { now: at(30) };
    spec
      .given(history)
      .when(reach(1, at(10), at(20)), due)
      .thenNothing();
    spec
      .given([...history, cleanUpStarted(1, 'cancellation', at(10))])
      .when(reach(1, at(10), at(20)), due)
      .thenNothing();
    spec
      .given([...history, withdrawn(1)])
      .when(reach(1, at(10), at(20)), due)
      .then([reached(1, at(10), at(20))]);
    expect(spec.given([...history, cleanUpStarted(1, 'cancellation', at(10)), cleanUpCompleted]).state).toMatchObject({
      schedule: null,
      nextTimePoint: null,
    });
  });

  it('is not set for a task that is cancelled, and may be removed from it', () => {
    const history = [...RUNNING, cancelled(1)];
    spec
      .given(history)
      .when(schedule(at(10)))
      .thenRefused('PLANNING.TASK_CANCELLED');
    spec
      .given(history)
      .when(remove)
      .then([scheduleRemoved(2)]);
  });
});
