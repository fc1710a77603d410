import { describe, expect, it } from 'vitest';
import type { Outcome } from './run/outcome.js';
import { playSeeds, recordedTypes } from './run/play-seeds.js';

const BATCHES = [1, 11, 21, 31, 41, 51];
const RUNS_PER_BATCH = 10;

describe('migrations, whatever breaks', () => {
  const outcomes: Outcome[] = [];

  it.each(BATCHES)('come to an end, and to the right one: seeds from %i on', async (firstSeed) => {
    outcomes.push(...(await playSeeds(firstSeed, RUNS_PER_BATCH)));
  });

  it('were played to the point: links came back or did not, tasks were finished and given up', () => {
    expect(outcomes).toHaveLength(BATCHES.length * RUNS_PER_BATCH);
    const types = recordedTypes(outcomes);
    for (const type of [
      'transfer.link-lost.v1',
      'transfer.resume-window-closed.v1',
      'transfer.resume-window-expired.v1',
      'transfer.control-channel-restored.v1',
      'transfer.retry-scheduled.v1',
      'transfer.final-sync-queued.v1',
      'transfer.repair-started.v1',
      'transfer.replica-verified.v1',
      'planning.migration-task-halted.v1',
      'planning.migration-task-resumed.v1',
      'planning.migration-task-completed.v1',
      'planning.clean-up-completed.v1',
    ]) {
      expect(types).toContain(type);
    }
    expect(outcomes.reduce((sum, { cutovers }) => sum + cutovers, 0)).toBeGreaterThan(outcomes.length / 3);
  });
});
