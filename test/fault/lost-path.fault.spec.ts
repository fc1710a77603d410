import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MigrationScene } from './migration-scene.js';
import {
  LONG_WINDOW,
  MigrationsUnderFault,
  RESENT_BYTES,
  SHORT_WINDOW,
  SLOW_BITS_PER_SECOND,
  sentBy,
} from './migrations-under-fault.js';

const SILENT_MS = 3_000;

/** Each case says what must go on (degrade) and what must stop. Rows of docs/failure-matrix.md link to them. */
describe('a migration whose path is interrupted', () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  describe('path lost for less than the window', () => {
    it('must degrade: it resumes by itself, and nothing acknowledged is sent again', async () => {
      const { migration, taskId, usedBytes, roundId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
      await scene.network.cutDataPath(scene.services.controlPort, 'reset');
      await migration.untilActivity('link-lost');
      const { replication } = await scene.operator.document(taskId);
      expect(replication?.resumeWindow).toMatchObject({ cause: 'link-lost' });
      expect(replication?.rounds).toMatchObject([{ roundId, attempts: 2, failure: null }]);
      await scene.network.mend();

      const rounds = await migration.complete();
      expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed', attempts: 2 }, { roundKind: 'final' }]);
      expect(sentBy(rounds[0])).toBeLessThanOrEqual(1.03 * usedBytes + RESENT_BYTES);
      await migration.expectNoRangeAcknowledgedTwice(roundId);
    });

    it('must degrade: a silence that TCP outlasts is not even noticed', async () => {
      const { migration } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
      await scene.network.unplug();
      // Longer than the heartbeat of the control channel bears is not needed: packets are repeated for minutes.
      await pause(SILENT_MS);
      await scene.network.mend();
      const rounds = await migration.complete();
      expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed', attempts: 1 }, { roundKind: 'final' }]);
    });

    it('must degrade: a throttled path that loses packets and is reset again and again', async () => {
      const { migration } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
      for (let attempts = 2; attempts <= 4; attempts += 1) {
        await scene.network.cutDataPath(scene.services.controlPort, 'reset');
        await migration.untilActivity('link-lost');
        await scene.network.mend();
        await scene.network.throttle(SLOW_BITS_PER_SECOND);
        await scene.network.losePackets(0.01);
        await migration.untilActivity('transferring');
      }
      await scene.network.mend();
      const rounds = await migration.complete();
      expect(rounds[0]).toMatchObject({ roundKind: 'full', status: 'completed', attempts: 4 });
    });
  });

  describe('path lost for the whole window', () => {
    it('must stop: the round fails, what was acknowledged is kept, and the next time point goes on', async () => {
      const { migration, taskId, roundId, usedBytes } = await migrations.inMiddleOfFullRound(SHORT_WINDOW);
      await scene.network.cutDataPath(scene.services.controlPort, 'reset');
      const failed = await migration.untilFailed(1);
      expect(failed.failure).toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
      expect(failed.failure?.lost).toMatch(/not yet acknowledged/);
      expect(failed.failure?.kept).toMatch(/acknowledged/);
      const { task } = await scene.operator.untilSeen(taskId, 'the halt', (document) =>
        document.task.status === 'halted' ? document : undefined,
      );
      expect(task.halt).toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
      const keptBytes = await migration.keptBytes(roundId);
      expect(keptBytes).toBeGreaterThan(0);
      await scene.network.mend();

      await scene.operator.setSchedule(taskId, { kind: 'interval', everySeconds: 2 });
      const resumed = await scene.operator.untilSeen(taskId, 'the next time point', ({ replication }) =>
        replication?.rounds.find((round) => round.trigger === 'schedule' && round.status === 'completed'),
      );
      await scene.operator.removeSchedule(taskId);
      expect(resumed).toMatchObject({ roundKind: 'full', comparison: 'rescan' });
      expect(sentBy(resumed)).toBeLessThanOrEqual(1.05 * usedBytes - keptBytes);
      const document = await scene.operator.document(taskId);
      expect(document.task).toMatchObject({ status: 'running', phase: 'keep-in-sync', halt: null });
      await migration.complete();
    });

    it('must stop while all services are down, with the true deadline', async () => {
      const { migration, taskId } = await migrations.inMiddleOfFullRound(SHORT_WINDOW);
      await scene.network.cutDataPath(scene.services.controlPort, 'reset');
      await migration.untilActivity('link-lost');
      const { replication } = await scene.operator.document(taskId);
      const deadlineAt = replication?.resumeWindow?.deadlineAt;
      expect(deadlineAt).toBeDefined();
      await scene.services.kill('planning', 'provisioning', 'transfer', 'cutover', 'gateway');
      await expect
        .poll(() => new Date().toISOString(), { timeout: 10_000 })
        .toSatisfy((now: string) => now > deadlineAt!);
      await scene.services.startAgain('planning', 'provisioning', 'transfer', 'cutover', 'gateway');
      const failed = await migration.untilFailed(1);
      expect(failed.failure).toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
      const expired = (await scene.operator.events(taskId)).find(
        ({ type }) => type === 'transfer.resume-window-expired.v1',
      );
      expect(expired?.data).toMatchObject({ deadlineAt });
      await scene.network.mend();
      await scene.operator.startRound(taskId);
      await migration.complete();
    });
  });

  it('control channel lost while data flows must degrade: data goes on, beyond the window', async () => {
    const { migration, taskId } = await migrations.inMiddleOfFullRound({ resumeWindowSeconds: 10 });
    await scene.network.throttle(SLOW_BITS_PER_SECOND / 4);
    await scene.network.cutControlChannel(scene.services.controlPort, 'reset');
    const isExtended = async (): Promise<boolean> =>
      (await scene.operator.events(taskId)).some(({ type }) => type === 'transfer.resume-window-extended.v1');
    await expect.poll(isExtended, { timeout: 60_000, interval: 250 }).toBe(true);
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed', attempts: 1 }, { roundKind: 'final' }]);
  });
});
