import { expect, it } from 'vitest';
import { playCampaign } from './campaign.js';

const ROUNDS = 10;
/** A map of a file system takes two seconds, and there are two final rounds for each comparison. */
const LIMIT_MS = 600_000;

it(
  'makes source and target equal after rounds under a writer, with kills, lost events and broken links',
  async () => {
    const tally = await playCampaign({ rounds: ROUNDS, seed: 6, say: () => undefined });
    expect(tally['final tracked']).toBeGreaterThan(0);
    expect(tally['incremental rescan']).toBeGreaterThan(0);
  },
  LIMIT_MS,
);
