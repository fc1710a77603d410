import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { type EventView, type SyncRoundView, UNLIMITED_THROTTLE } from '#libs/contracts';
import { compareUsedBlocks } from '../../infra/demo/target-check/index.js';
import { waitFor } from '../../infra/demo/machine/wait-for.js';
import { Cleanup } from '../../infra/demo/steps/cleanup.js';
import { ProgramProcess } from '../fault/processes/program-process.js';
import { ReadModels } from './migration/read-models.js';
import { disorderIn, readHistory, readHistoryTable, unexplainedIn } from './migration/recorded-history.js';
import { SourceMachine } from './migration/source-machine.js';
import { StandaloneServer } from './migration/standalone-server.js';
import { countZeros, examineTarget, partcloneMapOf, targetImageOf } from './migration/target-disk.js';
import { makeTestFolder, removeTestFolder } from './migration/test-folder.js';

const MIB = 1024 * 1024;
const BUSINESS_SERVICE = join(import.meta.dirname, '../../dist/infra/demo/business-service/main.js');
/** R23, the stricter of its two limits. */
const AGENT_PEAK_BYTES = 120_000_000;
const SETTLED_WITHIN_MS = 60_000;
const SLOW_BYTES_PER_SECOND = 1_000_000;
/** Long enough that nothing reaches the time point before the servers are killed. */
const SCHEDULE_SECONDS = 6;

const sentBytesOf = ({ disks }: SyncRoundView): number => disks.reduce((sum, disk) => sum + disk.sentBytes, 0);

describe('a machine moves from a REST call to identical bytes', () => {
  let folder: string;
  let server: StandaloneServer;
  let siteId: string;
  let quiet: SourceMachine;
  let quietTaskId: string;
  let busyTaskId: string;

  const inStore = async <Result>(work: (store: EventStoreDb) => Promise<Result>): Promise<Result> => {
    const store = new EventStoreDb(server.addresses.eventStoreUrl);
    return work(store).finally(() => store.close());
  };

  const cleanup = new Cleanup();

  beforeAll(async () => {
    folder = await makeTestFolder();
    cleanup.add('remove the folder', () => removeTestFolder(folder));
    server = await StandaloneServer.start(folder);
    cleanup.add('stop the server', () => server.stop());
    ({ siteId } = await server.operator.registerSite(`site of ${folder}`));
  });

  afterAll(async () => {
    expect(await cleanup.run()).toEqual([]);
  });

  it('a machine whose services have stopped: used blocks only, changes only, and an identical target', async () => {
    const { operator } = server;
    quiet = await SourceMachine.start({ folder, name: 'quiet-machine', sizeMiB: 384, fileCount: 1500 }, operator);
    const { disk, diskId, sourceMachineId } = quiet;
    const usedBytes = await disk.usedBytes();
    const task = await operator.createTask({ name: 'quiet machine', sourceMachineId, siteId });
    const { taskId } = task;
    quietTaskId = taskId;

    const full = await operator.untilRoundCompleted(taskId, 'the full round', ({ roundKind }) => roundKind === 'full');
    expect(sentBytesOf(full)).toBeLessThanOrEqual(1.15 * usedBytes);
    await operator.untilCutoverPossible(taskId);

    const rewrittenBytes = 32 * MIB;
    await disk.rewriteInPlace(rewrittenBytes);
    const { roundId } = await operator.startRound(taskId);
    const manual = await operator.untilRoundCompleted(taskId, 'the manual round', (round) => round.roundId === roundId);
    expect(manual).toMatchObject({ roundKind: 'incremental', trigger: 'manual', comparison: 'tracked' });
    // What was not written is not even read.
    expect(manual.disks[0]?.readBytes).toBeLessThan(usedBytes / 2);
    expect(sentBytesOf(manual)).toBeGreaterThanOrEqual(rewrittenBytes);
    expect(sentBytesOf(manual)).toBeLessThanOrEqual(1.5 * rewrittenBytes);

    await disk.mutate({ newFiles: 60, newBytes: 6 * MIB, deletedBytes: 8 * MIB });
    await operator.setSchedule(taskId, { kind: 'interval', everySeconds: 1 });
    const scheduled = await operator.untilRoundCompleted(
      taskId,
      'a scheduled round',
      ({ trigger, disks }) => trigger === 'schedule' && disks.some(({ sentBytes }) => sentBytes > 0),
    );
    expect(scheduled.roundKind).toBe('incremental');
    await operator.removeSchedule(taskId);
    await operator.untilIdle(taskId);

    await operator.requestCutover(taskId);
    await disk.remountReadOnly();
    await operator.confirmSourceServicesStopped(taskId);
    const { replication, cutover } = await operator.untilCompleted(taskId);

    expect(cutover.status).toBe('taken-over');
    expect(await quiet.agentPeakBytes()).toBeLessThan(AGENT_PEAK_BYTES);
    expect(replication?.rounds.at(-1)).toMatchObject({
      roundKind: 'final',
      status: 'completed',
      comparison: 'tracked',
    });
    expect(replication?.verification).toMatchObject({ status: 'verified', failure: null });
    expect(replication?.verification.target).toHaveLength(1);
    expect(replication?.verification.target).toEqual(replication?.verification.source);

    const image = targetImageOf(folder, task.targetVmId, diskId);
    const { fileSystem, trees } = await examineTarget(disk, image, join(folder, 'quiet-target'));
    expect(fileSystem).toMatchObject({ isClean: true });
    expect(trees).toMatchObject({ isEqual: true, differences: [] });
    expect(trees.files).toBeGreaterThan(1000);
    const map = await partcloneMapOf(disk);
    const blocks = await compareUsedBlocks(disk.device, image, map.used);
    expect(blocks).toMatchObject({ isEqual: true, differing: [] });
    expect(blocks.comparedBytes).toBeGreaterThan(100 * MIB);
    // The source's free blocks are full of what was deleted; none of it has come along.
    expect((await countZeros(disk.imagePath, map.free)).firstOtherOffset).not.toBe(-1);
    expect(await countZeros(image, map.free)).toMatchObject({ firstOtherOffset: -1 });
    console.log(figures({ usedBytes, full, manual, scheduled, files: trees.files, compared: blocks.comparedBytes }));
  });

  it('its history is in order, and every event has its migration and its cause', async () => {
    const told = await server.operator.events(quietTaskId);
    const read = await readHistory(server.addresses.eventStoreUrl, quietTaskId);

    expect(disorderIn(told)).toEqual([]);
    expect(disorderIn(read)).toEqual([]);
    expect(told.filter(({ correlationId }) => correlationId !== quietTaskId)).toEqual([]);
    expect(read.filter(({ correlationId }) => correlationId !== quietTaskId)).toEqual([]);
    expect(unexplainedIn(read)).toEqual([]);
    // What REST tells is the same history, but for technical streams and the enrolment of the target.
    const streams = new Set(told.map(({ stream }) => stream));
    expect(read.filter(({ stream }) => streams.has(stream))).toEqual(told);
    expect([...new Set(read.map(({ stream }) => stream.split('-')[0]))].sort()).toEqual([
      ...['acknowledgedRanges', 'cutover', 'endpoint', 'enrolmentToken', 'migrationTask', 'replication', 'targetVm'],
    ]);
    await expect(readHistory(server.addresses.eventStoreUrl, randomUUID())).rejects.toMatchObject({ code: 1 });
    const lines = await readHistoryTable(server.addresses.eventStoreUrl, quietTaskId);
    expect(lines).toHaveLength(read.length + 1);
    expect(lines[1]).toMatch(
      new RegExp(`migrationTask-${quietTaskId} .*planning\\.migration-task-created\\.v1.*operator:`),
    );
  });

  it('every round of it went through TLS, and its history has certificates and no key', async () => {
    const told = await server.operator.events(quietTaskId);
    const opened = told
      .filter(({ type }) => type === 'transfer.exports-opened.v1')
      .map(({ data }) => JSON.stringify(data));
    expect(opened.length).toBeGreaterThanOrEqual(3);
    for (const data of opened) expect(data).toContain('"serverCertificate":"-----BEGIN CERTIFICATE-----');
    expect(new Set(opened.map((data) => /"serverCertificate":"([^"]+)"/.exec(data)?.[1])).size).toBe(opened.length);
    const read = await readHistory(server.addresses.eventStoreUrl, quietTaskId);
    expect(JSON.stringify([told, read])).not.toContain('PRIVATE KEY');
  });

  it('a machine in use, across an outage of everything: the missed time point is found, and the target is a clean copy', async () => {
    const { operator } = server;
    const busy = await SourceMachine.start({ folder, name: 'busy-machine', sizeMiB: 256, fileCount: 600 }, operator);
    const { disk, diskId, sourceMachineId } = busy;
    const business = new ProgramProcess({
      name: 'business',
      args: [BUSINESS_SERVICE, join(disk.mountPoint, 'business')],
      folder,
    });
    await business.start();
    // Slow enough that the full round would take minutes; other caps reach it while it runs.
    const throttle = { ...UNLIMITED_THROTTLE, networkBytesPerSecond: SLOW_BYTES_PER_SECOND };
    const order = { name: 'busy machine', sourceMachineId, siteId, settings: { throttle } };
    const { taskId, targetVmId } = await operator.createTask(order);
    busyTaskId = taskId;
    await operator.until(taskId, 'the full round to be under way', ({ replication }) =>
      replication?.activity === 'transferring' ? true : undefined,
    );
    const { settings } = await operator.setThrottle(taskId, UNLIMITED_THROTTLE);
    expect(settings.throttle).toEqual(UNLIMITED_THROTTLE);
    const full = await operator.untilRoundCompleted(taskId, 'the full round', ({ roundKind }) => roundKind === 'full');
    expect(full.attempts).toBe(1);
    const [result] = full.disks;
    expect(result?.durationMs).toBeLessThan((sentBytesOf(full) / SLOW_BYTES_PER_SECOND) * 1000 * 0.5);
    await operator.untilCutoverPossible(taskId);

    const { nextTimePoint } = await operator.setSchedule(taskId, { kind: 'interval', everySeconds: SCHEDULE_SECONDS });
    await server.kill();
    await waitFor('the time point to pass', async () => (Date.now() > Date.parse(nextTimePoint!) ? true : undefined), {
      boundMs: 2 * SCHEDULE_SECONDS * 1000,
    });
    const backAt = Date.now();
    server = await server.startAgain();
    const missed = await waitFor('the missed time point', () => timePointEvent(taskId, nextTimePoint!), {
      boundMs: SETTLED_WITHIN_MS,
    });
    expect(Date.parse(missed.occurredAt)).toBeGreaterThanOrEqual(backAt);
    const scheduled = await operator.untilRoundCompleted(taskId, 'its round', ({ trigger }) => trigger === 'schedule');
    const started = (await operator.events(taskId)).find(
      ({ type, causationId }) => type === 'transfer.sync-round-started.v1' && causationId === missed.eventId,
    );
    expect(started?.data).toMatchObject({ roundId: scheduled.roundId, trigger: 'schedule' });
    await operator.removeSchedule(taskId);
    await operator.untilIdle(taskId);

    await operator.requestCutover(taskId);
    expect(business.isRunning).toBe(true);
    await business.stop();
    await operator.confirmSourceServicesStopped(taskId);
    const { replication } = await operator.untilCompleted(taskId);

    expect(replication?.verification.target).toEqual(replication?.verification.source);
    const image = targetImageOf(folder, targetVmId, diskId);
    const { fileSystem, trees } = await examineTarget(disk, image, join(folder, 'busy-target'));
    expect(fileSystem).toMatchObject({ isClean: true });
    expect(trees).toMatchObject({ isEqual: true, differences: [] });
    expect(unexplainedIn(await readHistory(server.addresses.eventStoreUrl, taskId))).toEqual([]);
    await busy.remove();
  });

  it('rows equal the folds of their streams, and rows that were dropped come back the same', async () => {
    await quiet.remove();
    const readModels = await ReadModels.open(server.addresses.databaseUrl);
    try {
      expect(readModels.made()).toEqual(await readModels.existing());
      await waitFor(
        'the agents to have left',
        async () => {
          const tables = await readModels.tables();
          const endpoints = tables.find(({ name }) => name === 'transfer.endpoint')?.rows ?? [];
          return endpoints.every(({ state }) => isDisconnected(state)) ? true : undefined;
        },
        { boundMs: SETTLED_WITHIN_MS },
      );

      const before = await readModels.tables();
      for (const { name, rows } of before) expect.soft(rows, name).not.toHaveLength(0);
      const folds = await inStore((store) => readModels.folds(store));
      expect(documentsIn(before)).toEqual(documentsIn(folds));
      const ids = before.find(({ name }) => name === 'planning.migration_task')?.rows.map(({ id }) => id);
      expect(ids).toEqual([quietTaskId, busyTaskId].sort());

      await readModels.spoil();
      expect(await readModels.tables()).not.toEqual(before);
      await readModels.rebuild();
      await expect.poll(() => readModels.tables(), { timeout: SETTLED_WITHIN_MS, interval: 100 }).toEqual(before);
    } finally {
      await readModels.close();
    }
  });

  const timePointEvent = async (taskId: string, timePoint: string): Promise<EventView | undefined> =>
    (await server.operator.events(taskId)).find(
      ({ type, data }) =>
        type === 'planning.synchronization-time-point-reached.v1' &&
        (data as { readonly timePoint?: unknown }).timePoint === timePoint,
    );
});

type Tables = Awaited<ReturnType<ReadModels['tables']>>;

const documentsIn = (tables: Tables): unknown =>
  tables.map(({ name, rows }) => ({ name, rows: rows.map(({ id, state, revision }) => ({ id, state, revision })) }));

const isDisconnected = (state: unknown): boolean =>
  (state as { readonly connectionId?: unknown } | null)?.connectionId === null;

const figures = (of: {
  readonly usedBytes: number;
  readonly full: SyncRoundView;
  readonly manual: SyncRoundView;
  readonly scheduled: SyncRoundView;
  readonly files: number;
  readonly compared: number;
}): string => {
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const { full, manual, scheduled } = of;
  return (
    `used ${mib(of.usedBytes)}; sent: full ${mib(sentBytesOf(full))} ` +
    `(${(sentBytesOf(full) / of.usedBytes).toFixed(3)} of used), after rewriting 32 MiB ${mib(sentBytesOf(manual))}, ` +
    `scheduled ${mib(sentBytesOf(scheduled))}; ${of.files} files equal, ${mib(of.compared)} of used blocks identical`
  );
};
