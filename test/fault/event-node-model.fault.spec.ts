import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { expect, it } from 'vitest';
import { NodeProcess } from '../contract/event-store/node-process.js';
import { SeededRandom } from '../contract/event-store/seeded-random.js';
import { StoreModel } from '../contract/event-store/store-model.js';

const SEED = Number(process.env['MODEL_SEED'] ?? 21);
const LIVES = 8;
const STEPS_PER_LIFE = 60;

it(`must still agree with its model after restarts and kills (seed ${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'event-node-model-'));
  const random = new SeededRandom(SEED);
  const model = new StoreModel(random, 'model-');
  for (let life = 0; life < LIVES; life += 1) {
    const node = await NodeProcess.start(join(folder, 'data'));
    const client = EventStoreDBClient.connectionString(node.url);
    await model.verify(client);
    for (let step = 0; step < STEPS_PER_LIFE; step += 1) await model.step(client);
    await (random.next() < 0.6 ? node.kill() : node.stop());
    expect(node.running).toBe(false);
    await client.dispose();
  }
  rmSync(folder, { recursive: true, force: true });
});
