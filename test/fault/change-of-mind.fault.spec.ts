import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MigrationScene } from './migration-scene.js';
import { LONG_WINDOW, MigrationsUnderFault, RESENT_BYTES, sentBy } from './migrations-under-fault.js';

/** Each case says what must go on (degrade) and what must stop. Rows of docs/failure-matrix.md link to them. */
describe('an operator who changes their mind', () => {
  let scene: MigrationScene;
  let migrations: MigrationsUnderFault;

  beforeAll(async () => {
    scene = await MigrationScene.start();
    migrations = new MigrationsUnderFault(scene);
  });
  afterEach(() => migrations.endCurrent());
  afterAll(() => scene.end());

  it('pause and resume: the round goes on where it stopped', async () => {
    const { migration, taskId, usedBytes, roundId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.operator.pause(taskId);
    await migration.untilActivity('paused');
    await scene.network.mend();
    await scene.operator.resume(taskId);
    const rounds = await migration.complete();
    expect(rounds[0]).toMatchObject({ roundId, status: 'completed', attempts: 2 });
    expect(sentBy(rounds[0])).toBeLessThanOrEqual(1.03 * usedBytes + RESENT_BYTES);
  });

  it('cancel, change of mind, cancel: nothing is deleted before it is announced, and nothing is left', async () => {
    const { migration, taskId } = await migrations.inMiddleOfFullRound(LONG_WINDOW);
    await scene.operator.cancel(taskId, { graceSeconds: 600 });
    await migration.untilActivity('stopped');
    await scene.network.mend();
    await scene.operator.withdrawCancellation(taskId);
    await scene.operator.untilCutoverPossible(taskId);
    await scene.operator.cancel(taskId, { graceSeconds: 1 });
    await scene.operator.untilSeen(taskId, 'the clean-up', ({ task }) =>
      task.status === 'cancelled' ? true : undefined,
    );
    await expect
      .poll(async () => (await scene.operator.ledger(taskId)).map(({ state }) => state), { timeout: 30_000 })
      .toSatisfy((states: string[]) => states.length > 0 && states.every((state) => state === 'removed'));
  });
});
