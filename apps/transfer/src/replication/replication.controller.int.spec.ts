import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { CallEnvelope, RequestOf } from '#libs/contracts';
import { transferCalls } from '#libs/contracts';
import { EventStoreDb } from '#libs/eventstore';
import { createDatabase } from '#libs/local-stack';
import { EventReader, openReadModelStore } from '#libs/projections';
import { exampleContext, until } from '#libs/testing';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import {
  ReplicationRow,
  createReplication,
  findReplication,
  refoldReplication,
  replicationProjection,
} from './read-model/replication.projection.js';
import { ReplicationController } from './replication.controller.js';
import { ORDER, ROUND_1, ROUND_2, SETTINGS } from './replication.examples.js';

const CAUGHT_UP_WITHIN_MS = 60_000;
const store = new EventStoreDb(inject('eventStoreUrl'));
let dataSource: DataSource;
let reader: EventReader;
let controller: ReplicationController;
const ranges = new AcknowledgedRanges(store);
beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), `transfer_${randomUUID().replaceAll('-', '')}`);
  const models = { entities: [ReplicationRow], migrations: [createReplication, refoldReplication] };
  dataSource = await openReadModelStore({ url, schema: 'transfer', ...models });
  reader = new EventReader(store, dataSource, replicationProjection, { info: () => undefined, warn: () => undefined });
  reader.start();
  controller = new ReplicationController(store, dataSource, ranges);
  // The read model begins with all that other specs have recorded; an answer waits for it for three seconds only.
  const taskId = await startedTask();
  await until('the read model to be up to date', () => findReplication(dataSource, taskId), CAUGHT_UP_WITHIN_MS);
});
afterAll(async () => {
  await reader.stop();
  await dataSource.destroy();
  await store.close();
});

type Calls = typeof transferCalls;
type Method = { [Name in keyof ReplicationController]: Name }[keyof ReplicationController];

/** Calls a method as the bus does: with what came over the wire. */
const ask = <Name extends keyof Calls>(method: Method, data: RequestOf<Calls[Name]>): Promise<unknown> => {
  const { now: _now, ...origin } = exampleContext({ commandId: randomUUID() });
  const envelope: CallEnvelope = { ...origin, data };
  const answers = controller as unknown as Record<Method, (payload: CallEnvelope) => Promise<unknown>>;
  return answers[method](envelope);
};

const startedTask = async (settings = SETTINGS): Promise<string> => {
  const taskId = randomUUID();
  await ask<'startFullSync'>('startFullSync', { ...ORDER, disks: [...ORDER.disks], taskId, settings });
  return taskId;
};
const viewOf = async (taskId: string) =>
  transferCalls.getReplication.reply.parse(await ask<'getReplication'>('get', { taskId }));

describe('what the transfer service answers', () => {
  it('shows a replication that has just been asked for, with its settings and the window that it has', async () => {
    const settings = { ...SETTINGS, resumeWindowSeconds: 600 };
    const view = await viewOf(await startedTask(settings));
    expect(view).toMatchObject({ activity: 'opening-exports', settings, resumeWindow: { cause: 'begin' } });
    const { openedAt, deadlineAt } = view!.resumeWindow!;
    expect(Date.parse(deadlineAt) - Date.parse(openedAt)).toBe(600_000);
  });

  it('shows a pause, its end, and that the task was cancelled, as soon as each is answered', async () => {
    const taskId = await startedTask();
    const activities: unknown[] = [];
    for (const method of ['pause', 'resume', 'stop', 'reinstate'] as const) {
      await ask<'pauseReplication'>(method, { taskId });
      const view = await viewOf(taskId);
      activities.push([method, view?.activity, view?.rounds.map(({ status, attempts }) => [status, attempts])]);
    }
    expect(activities).toEqual([
      ['pause', 'paused', [['paused', 1]]],
      ['resume', 'opening-exports', [['opening-exports', 2]]],
      ['stop', 'stopped', [['failed', 2]]],
      ['reinstate', 'idle', [['failed', 2]]],
    ]);
  });

  it('refuses a synchronization while it is paused, and tells the schedule why it is left out', async () => {
    const taskId = await startedTask();
    await ask<'pauseReplication'>('pause', { taskId });
    const manual = ask<'startSyncRound'>('startSyncRound', { taskId, trigger: 'manual', resend: false });
    await expect(manual).rejects.toMatchObject({ error: { code: 'TRANSFER.PAUSED' } });
    const schedule = ask<'startSyncRound'>('startSyncRound', { taskId, trigger: 'schedule', resend: false });
    expect(await schedule).toEqual({ roundId: null, skipped: 'The task is paused.' });
  });

  it('tells what the target acknowledged, of one round or of all, and nothing of a task without any', async () => {
    const taskId = randomUUID();
    const report = (roundId: string, diskId: string, offsetBytes: number) =>
      ranges.record(
        { taskId, roundId, diskId, ranges: [{ offsetBytes, lengthBytes: 65_536 }] },
        exampleContext({ commandId: randomUUID() }),
      );
    await report(ROUND_1, 'disk-a', 65_536);
    await report(ROUND_1, 'disk-a', 0);
    await report(ROUND_2, 'disk-a', 0);
    await report(ROUND_2, 'disk-b', 131_072);
    const acknowledged = (roundId: string | null, ofTask = taskId) =>
      ask<'readAcknowledgedRanges'>('readAcknowledgedRanges', { taskId: ofTask, roundId });
    const [first, firstOfA, secondOfB] = [
      { diskId: 'disk-a', acknowledgedBytes: 131_072, ranges: [{ offsetBytes: 0, lengthBytes: 131_072 }] },
      { diskId: 'disk-a', acknowledgedBytes: 65_536, ranges: [{ offsetBytes: 0, lengthBytes: 65_536 }] },
      { diskId: 'disk-b', acknowledgedBytes: 65_536, ranges: [{ offsetBytes: 131_072, lengthBytes: 65_536 }] },
    ];
    expect(await acknowledged(ROUND_1)).toEqual({ disks: [first] });
    expect(await acknowledged(ROUND_2)).toEqual({ disks: [firstOfA, secondOfB] });
    expect(await acknowledged(null)).toEqual({ disks: [first, secondOfB] });
    expect(await acknowledged(null, randomUUID())).toEqual({ disks: [] });
  });
});
