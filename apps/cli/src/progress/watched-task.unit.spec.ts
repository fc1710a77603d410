import { describe, expect, it } from 'vitest';
import {
  exampleDocument,
  exampleProgress,
  exampleReplication,
  exampleRound,
  exampleTask,
} from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { isOver, observeMessage, renderWatch } from './watched-task.js';

const progress = { type: 'progress', progress: exampleProgress(0, 500) } as const;
const at = (activity: 'idle' | 'transferring', rounds = [exampleRound()]) =>
  ({
    type: 'document',
    document: exampleDocument({ replication: exampleReplication({ activity, rounds }) }),
  }) as const;

describe('a watched task', () => {
  it('shows the step, the round and how far it is', () => {
    const running = exampleRound({
      number: 2,
      roundKind: 'incremental',
      trigger: 'manual',
      status: 'transferring',
      endedAt: null,
      disks: [],
    });
    const watched = observeMessage(observeMessage(undefined, at('transferring', [exampleRound(), running])), progress);
    const [heading, bar] = renderWatch(watched, 80, plainPaint);
    expect(heading).toBe('Keeping the target in sync, ready for cutover  round 2 (incremental, manual) running');
    expect(bar).toContain(' 50 %  500 MiB of 1000 MiB');
  });

  it('shows no bar once nothing is at work', () => {
    const watched = observeMessage(observeMessage(observeMessage(undefined, at('transferring')), progress), at('idle'));
    expect(renderWatch(watched, 80, plainPaint)).toEqual([
      'Keeping the target in sync, ready for cutover  round 1 (full, itinerary) completed, 960 MiB sent',
    ]);
  });

  it('waits for the state while only telemetry came', () => {
    expect(renderWatch(observeMessage(undefined, progress), 80, plainPaint)[0]).toBe(
      'Waiting for the state of the task',
    );
  });

  it('is over when it is completed or halted', () => {
    const of = (status: 'running' | 'halted' | 'completed') =>
      observeMessage(undefined, { type: 'document', document: exampleDocument({ task: exampleTask({ status }) }) });
    expect([of('running'), of('halted'), of('completed')].map(isOver)).toEqual([false, true, true]);
  });
});
