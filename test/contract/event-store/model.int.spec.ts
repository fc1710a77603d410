import { afterAll, beforeAll, describe, it } from 'vitest';
import { SeededRandom } from './seeded-random.js';
import { StoreModel } from './store-model.js';
import { freshStream, openStore, type StoreUnderTest } from './store-under-test.js';

const STEPS = 300;

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

describe('the store and a model of it agree', () => {
  it.each([1, 2, 3, Number(process.env['MODEL_SEED'] ?? 4)])(`over ${STEPS} random steps, seed %i`, async (seed) => {
    const model = new StoreModel(new SeededRandom(seed), freshStream('model'));
    for (let step = 0; step < STEPS; step += 1) await model.step(store.client);
    await model.verify(store.client);
  });
});
