import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MigrationScene } from './migration-scene.js';
import { LONG_WINDOW, MigrationsUnderFault, RESENT_BYTES, SHORT_WINDOW, sentBy } from './migrations-under-fault.js';
import { SERVICES } from './processes/service-processes.js';
import { RestoreEnvironment } from './processes/restore-environment.js';

/** How long a program does nothing: the fault itself, which nothing else ends. */
const HELD_MS = 3_000;

/** Each case says what must go on (degrade) and what must stop. Rows of docs/failure-matrix.md link to them. */
describe('a migration that loses a process', () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  it('must stop for the agent: the next round sends only what was not acknowledged', async () => {
    const {
      migration,
      taskId,
      roundId,
      usedBytes,
      machine: source,
    } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await source.agent.kill();
    await source.agent.start();
    expect((await migration.untilFailed(1)).failure).toMatchObject({ code: 'ENDPOINT_RESTARTED' });
    await scene.network.mend();
    await scene.operator.startRound(taskId);
    const rounds = await migration.complete();
    expect(rounds[1]).toMatchObject({ trigger: 'manual', status: 'completed', comparison: 'rescan' });
    expect(sentBy(rounds[1])).toBeLessThanOrEqual(1.05 * usedBytes - (await migration.keptBytes(roundId)));
  });

  it('must degrade for the restorer: its disks keep what was flushed, the next attempt sends the rest', async () => {
    const { migration, targetVmId, usedBytes } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    const restorer = await RestoreEnvironment.of(scene.folder, targetVmId);
    await restorer.kill();
    await migration.untilActivity('link-lost');
    await restorer.startAgain();
    // The agent told of its lost path first: the restorer that came back serves the next attempt.
    await migration.untilActivity('transferring');
    await scene.network.mend();
    const rounds = await migration.complete();
    restorer.stop();
    expect(rounds.reduce((sum, round) => sum + sentBy(round), 0)).toBeLessThanOrEqual(
      1.03 * usedBytes + 2 * RESENT_BYTES,
    );
  });

  it('must degrade for an agent that is held for less than the window', async () => {
    const { migration, machine: source } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    source.agent.hold();
    await pause(HELD_MS);
    source.agent.release();
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds[0]).toMatchObject({ roundKind: 'full', status: 'completed' });
  });

  it('must stop for an agent that is held for longer than the window', async () => {
    const { migration, taskId, machine: source } = await migrations.inMiddleOfFullRound(SHORT_WINDOW);
    source.agent.hold();
    expect((await migration.untilFailed(1)).failure).toMatchObject({ code: 'AGENT_LOST' });
    source.agent.release();
    await scene.network.mend();
    await scene.operator.startRound(taskId);
    const rounds = await migration.complete();
    expect(rounds[1]).toMatchObject({ trigger: 'manual', status: 'completed', comparison: 'rescan' });
  });

  it('must degrade for a restorer, and for each service, that is held for a while', async () => {
    const { migration, targetVmId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    const restorer = await RestoreEnvironment.of(scene.folder, targetVmId);
    restorer.hold();
    await pause(HELD_MS);
    restorer.release();
    for (const name of SERVICES) {
      const service = scene.services.processOf(name);
      service.hold();
      await pause(HELD_MS);
      service.release();
    }
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed', attempts: 1 }, { roundKind: 'final' }]);
  });
});
