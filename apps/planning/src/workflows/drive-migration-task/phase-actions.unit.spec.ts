import { describe, expect, it } from 'vitest';
import { DEFAULT_REPLICATION_SETTINGS } from '#libs/contracts';
import { PermanentError } from '#libs/eventsourcing';
import { DeciderSpec, RecordedCalls, exampleContext } from '#libs/testing';
import { STANDARD_ITINERARY } from '../../migration-task/domain/itinerary.js';
import { migrationTaskDecider } from '../../migration-task/domain/migration-task.decider.js';
import { CREATED, ORDER, RESTORER, TASK } from '../../migration-task/migration-task.examples.js';
import { actionOf, isUnderWay } from './phase-actions.js';

const task = DeciderSpec.of(migrationTaskDecider).given(CREATED).state!;
const context = exampleContext();
const { targetVmId, siteId, target, sourceMachineId, disks } = ORDER;

const called = async (action: string, restorerId: string | null = RESTORER) => {
  const bus = new RecordedCalls();
  await actionOf(action, task, restorerId)(bus, context);
  return bus.calls;
};

describe('the action of a phase', () => {
  it.each([
    [
      'create-target-vm',
      'landfall.provisioning.create-target-vm',
      { targetVmId, taskId: TASK, siteId, specification: target },
    ],
    [
      'start-full-sync',
      'landfall.transfer.start-full-sync',
      { taskId: TASK, sourceMachineId, restorerId: RESTORER, disks, settings: DEFAULT_REPLICATION_SETTINGS },
    ],
    ['allow-cutover', 'landfall.cutover.allow-cutover', { taskId: TASK }],
    ['start-final-sync', 'landfall.transfer.start-final-sync', { taskId: TASK }],
    ['verify-replica', 'landfall.transfer.verify-replica', { taskId: TASK }],
    ['take-over', 'landfall.cutover.take-over', { taskId: TASK, targetVmId }],
  ])('%s is one call to the service that owns it', async (action, subject, data) => {
    expect(await called(action)).toEqual([{ subject, data, origin: context }]);
  });

  it('is known for every phase of the itinerary', async () => {
    for (const { action } of STANDARD_ITINERARY) expect(await called(action)).toHaveLength(1);
  });

  it('needs a restore environment to send to', () => {
    expect(() => actionOf('start-full-sync', task, null)).toThrow(PermanentError);
  });

  it('is not guessed when an earlier or later version recorded it', () => {
    expect(() => actionOf('sing', task, RESTORER)).toThrow(PermanentError);
  });

  it('is under way when the round that it wants is running, and only that', () => {
    expect(isUnderWay('start-full-sync', { code: 'TRANSFER.ROUND_RUNNING' })).toBe(true);
    expect(isUnderWay('start-full-sync', { code: 'TRANSFER.STOPPED' })).toBe(false);
    expect(isUnderWay('start-final-sync', { code: 'TRANSFER.ROUND_RUNNING' })).toBe(false);
  });
});
