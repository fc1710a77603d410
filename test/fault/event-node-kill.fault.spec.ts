import { expect, it } from 'vitest';
import { killRounds } from './event-node-kill.js';

const SEED = Number(process.env['KILL_SEED'] ?? 7);
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 5);

it(`must keep every acknowledged event when it is killed ${ROUNDS} times under load (seed ${SEED})`, async () => {
  const figures = await killRounds(ROUNDS, SEED, () => undefined);
  expect(figures.rounds).toBe(ROUNDS);
  expect(figures.acknowledged).toBeGreaterThan(ROUNDS);
});
