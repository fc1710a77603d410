import { beforeEach, describe, expect, it } from 'vitest';
import { PUBLISHED } from '#libs/contracts';
import { type PersistedEvent, handleCommand, load, metadataOf, reactionIdOf } from '#libs/eventsourcing';
import { InMemoryEventStore, RecordedCalls, exampleContext, nthContext } from '#libs/testing';
import { cutovers } from '../cutover/cutover.aggregate.js';
import type { CutoverCommand } from '../cutover/domain/cutover.decider.js';
import { bootTargetWhenTakeOverStarted } from './boot-target-when-take-over-started/boot-target-when-take-over-started.js';
import { declareTakeOverWhenBooted } from './declare-take-over-when-booted/declare-take-over-when-booted.js';

const taskId = '04b63849-0001-4000-8000-000000000001';
const targetVmId = '04b63849-0002-4000-8000-000000000002';

let store: InMemoryEventStore;
beforeEach(async () => {
  store = new InMemoryEventStore();
  const commands: CutoverCommand[] = [
    { type: 'AllowCutover', taskId },
    { type: 'RequestCutover', taskId },
    { type: 'ConfirmSourceServicesStopped', taskId },
    { type: 'StartTakeOver', taskId, targetVmId },
  ];
  for (const [index, command] of commands.entries()) {
    await handleCommand(store, cutovers, taskId, command, nthContext(index));
  }
});
const history = () => store.readStream(`cutover-${taskId}`);

describe('when the take-over starts', () => {
  it('the target is asked to boot from its disk, as a command that the event alone names', async () => {
    const bus = new RecordedCalls();
    for (const event of [...(await history()), ...(await history())]) {
      await bootTargetWhenTakeOverStarted(bus).react(event);
    }
    const started = (await history()).at(-1)!;
    const call = {
      subject: 'landfall.provisioning.boot-target-from-disk',
      data: { targetVmId },
      origin: { commandId: reactionIdOf(started.id, 'boot-target'), causationId: started.id },
    };
    expect(bus.calls).toMatchObject([call, call]);
  });
});

describe('when the target runs from its own disk', () => {
  const booted = (data: unknown): PersistedEvent => ({
    id: '04b63849-0009-4000-8000-000000000009',
    streamName: `targetVm-${targetVmId}`,
    revision: 5n,
    position: 99n,
    storedType: PUBLISHED.targetVmBootedFromDisk.stored,
    data,
    metadata: metadataOf(exampleContext(), 'provisioning'),
  });
  const react = (event: PersistedEvent) => declareTakeOverWhenBooted(store).react(event);
  const status = async () => (await load(store, cutovers, taskId)).state?.status;

  it('the take-over is declared, once', async () => {
    await react(booted({ taskId, targetVmId }));
    await react(booted({ taskId, targetVmId }));
    expect(await status()).toBe('taken-over');
    expect((await history()).map(({ storedType }) => storedType).slice(-2)).toEqual([
      'cutover.take-over-started.v1',
      'cutover.take-over-declared.v1',
    ]);
  });

  it('nothing is declared by another VM or by another event', async () => {
    await react(booted({ taskId, targetVmId: taskId }));
    await react({ ...booted({ taskId, targetVmId }), storedType: PUBLISHED.targetVmReady.stored });
    expect(await status()).toBe('taking-over');
  });
});
