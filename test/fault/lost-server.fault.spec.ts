import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MigrationScene } from './migration-scene.js';
import { LONG_WINDOW, MigrationsUnderFault } from './migrations-under-fault.js';
import { SERVICES } from './processes/service-processes.js';

/** How long a server is not there: the fault itself, which nothing else ends. */
const AWAY_MS = 5_000;

/** Each case says what must go on (degrade) and what must stop. Rows of docs/failure-matrix.md link to them. */
describe('a migration whose servers are away', () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  it('must degrade: all services restart while the window is open', async () => {
    const { migration, taskId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.network.cutDataPath(scene.services.controlPort, 'reset');
    await migration.untilActivity('link-lost');
    await scene.services.kill(...SERVICES);
    await scene.services.startAgain(...SERVICES);
    const { replication } = await scene.operator.document(taskId);
    expect(replication?.resumeWindow).toMatchObject({ cause: 'link-lost' });
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed' }, { roundKind: 'final' }]);
  });

  it.each(['NATS', 'PostgreSQL'] as const)('must degrade: %s is away for a while', async (server) => {
    const { migration } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    const link = server === 'NATS' ? scene.servers.natsLink : scene.servers.databaseLink;
    await link.cut();
    await pause(AWAY_MS);
    await link.mend();
    await scene.services.untilHealthy();
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed' }, { roundKind: 'final' }]);
  });

  it('must degrade: the event store is away for a while', async () => {
    const { migration } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.servers.eventNode.kill();
    await pause(AWAY_MS);
    await scene.servers.eventNode.startAgain();
    await scene.services.untilHealthy();
    await scene.network.mend();
    const rounds = await migration.complete();
    expect(rounds).toMatchObject([{ roundKind: 'full', status: 'completed' }, { roundKind: 'final' }]);
  });
});
