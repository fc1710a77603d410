import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from './raw-messages.js';
import { Replayer, type Scenario } from './replayer.js';
import { isForeign, openStore, type StoreUnderTest } from './store-under-test.js';

const recording = JSON.parse(
  readFileSync(new URL('recordings/eventstore-23.10.json', import.meta.url), 'utf8'),
) as Scenario[];

let store: StoreUnderTest;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.close());

/** The texts of errors may differ; codes and trailers, which programs read, may not. */
const withoutText = ({ details: _, ...rest }: JsonObject): JsonObject => rest;

/** Scenarios that see what others write to `$all`; they play alone. */
const seesEverything = ({ scenario }: Scenario): boolean => /\ball\b/.test(scenario);

async function playThrough(scenario: Scenario): Promise<void> {
  const replayer = new Replayer(new URL(store.url).host, scenario, `_${randomBytes(3).toString('hex')}`);
  for (const [index, step] of scenario.steps.entries()) {
    const answer = await replayer.play(index);
    const what = `step ${index}: ${step.call} ${JSON.stringify(step.request).slice(0, 400)}`;
    if (step.status?.['code'] === 'UNKNOWN') {
      // An exception inside the real server: any clear refusal is right.
      expect(answer.status['code'], what).not.toMatch(/^(OK|OPEN)$/);
    } else {
      expect(answer.responses, what).toEqual(step.responses);
      expect(answer.status, what).toEqual(withoutText(step.status ?? {}));
    }
  }
  replayer.close();
}

const named = (scenarios: Scenario[]) => scenarios.map((scenario) => [scenario.scenario, scenario] as const);

/** Other versions answer differently on purpose, and a secure server refuses raw calls: there only on request. */
const isOtherServer = isForeign && process.env['EVENTSTORE_REPLAY'] === undefined;

describe.skipIf(isOtherServer).concurrent('what a real server answered, the store under test answers too', () => {
  it.each(named(recording.filter((scenario) => !seesEverything(scenario))))('%s', (_, scenario) =>
    playThrough(scenario),
  );
});

describe.skipIf(isOtherServer)('what a real server answered when nobody else writes', () => {
  it.each(named(recording.filter(seesEverything)))('%s', (_, scenario) => playThrough(scenario));
});
