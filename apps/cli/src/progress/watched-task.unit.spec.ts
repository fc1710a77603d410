import { describe, expect, it } from 'vitest';
import { type ReplicationView, type TaskStatus, taskStatus } from '#libs/contracts';
import {
  exampleDocument,
  exampleLinkLost,
  exampleProgress,
  exampleReplication,
  exampleRound,
  exampleTask,
} from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { type WatchedTask, isOver, observeMessage, renderWatch } from './watched-task.js';

const progress = { type: 'progress', progress: exampleProgress(0, 500) } as const;
const NOW = Date.parse('2026-03-01T12:02:22.000Z');
const at = (activity: ReplicationView['activity'], rounds = [exampleRound()]) =>
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
    const [heading, bar] = renderWatch(watched, 80, plainPaint, NOW);
    expect(heading).toBe('Keeping the target in sync, ready for cutover  round 2 (incremental, manual): transferring');
    expect(bar).toContain(' 50 %  500 MiB of 1000 MiB');
  });

  it('shows no bar once nothing is at work', () => {
    const watched = observeMessage(observeMessage(observeMessage(undefined, at('transferring')), progress), at('idle'));
    expect(renderWatch(watched, 80, plainPaint, NOW)).toEqual([
      'Keeping the target in sync, ready for cutover  round 1 (full, itinerary) completed, 960 MiB sent',
    ]);
  });

  it('says of which round the source was not at rest', () => {
    const round = exampleRound({ roundKind: 'final', number: 3 });
    const disks = round.disks.map((disk) => ({ ...disk, stillness: 'uncertain' as const }));
    const watched = observeMessage(undefined, at('idle', [{ ...round, disks }]));
    expect(renderWatch(watched, 80, plainPaint, NOW)[0]).toContain(
      'round 3 (final, itinerary) completed, 960 MiB sent, from a source that was being written to',
    );
  });

  it('waits for the state while only telemetry came', () => {
    expect(renderWatch(observeMessage(undefined, progress), 80, plainPaint, NOW)[0]).toBe(
      'Waiting for the state of the task',
    );
  });

  it('says that digests are compared, and over which attempt', () => {
    const round = exampleRound({
      number: 2,
      trigger: 'retry',
      status: 'transferring',
      comparison: 'rescan',
      attempts: 3,
      endedAt: null,
      disks: [],
    });
    const rescanning = { type: 'progress', progress: exampleProgress(0, 500, { activity: 'rescanning' }) } as const;
    const watched = observeMessage(observeMessage(undefined, at('transferring', [round])), rescanning);
    const [heading, bar] = renderWatch(watched, 80, plainPaint, NOW);
    expect(heading).toMatch(/ {2}round 2 \(full, retry\), attempt 3: comparing digests \(RESCAN\)$/);
    expect(bar).toMatch(/^comparing \(RESCAN\) {2}█/);
  });

  it('says that everything is sent again', () => {
    const round = exampleRound({ trigger: 'manual', resend: true, status: 'connecting', endedAt: null, disks: [] });
    const [heading] = renderWatch(observeMessage(undefined, at('connecting', [round])), 80, plainPaint, NOW);
    expect(heading).toMatch(/round 1 \(full, manual, everything again\): connecting$/);
  });

  it('shows a lost link with what is left of its window, and how far the round came without a rate', () => {
    const sent = (atMs: number, mib: number) => ({ type: 'progress', progress: exampleProgress(atMs, mib) }) as const;
    const running = exampleRound({ status: 'transferring', endedAt: null, disks: [] });
    const messages = [
      at('transferring', [running]),
      sent(0, 400),
      sent(1_000, 500),
      { type: 'document', document: exampleLinkLost() } as const,
    ];
    let watched: WatchedTask | undefined;
    for (const message of messages) watched = observeMessage(watched, message);
    if (watched === undefined) throw new Error('nothing was seen');
    expect(renderWatch(watched, 80, plainPaint, NOW)).toEqual([
      'Keeping the target in sync, ready for cutover  round 1 (full, itinerary), attempt 2: link lost',
      '! link lost at 12:02:11 UTC, resumes by itself until 12:17:11 UTC (14 min 49 s left)',
      'link lost           █████████░░░░░░░░░  50 %  500 MiB of 1000 MiB  500 MiB sent',
    ]);
    expect(renderWatch(watched, 80, plainPaint, NOW + 60_000)[1]).toContain('(13 min 49 s left)');
  });

  it('takes the bar away with the round that it was of', () => {
    const next = exampleRound({
      roundId: '99999999-9999-4999-8999-999999999999',
      number: 2,
      status: 'opening-exports',
      endedAt: null,
      disks: [],
    });
    const first = observeMessage(observeMessage(undefined, at('transferring')), progress);
    expect(renderWatch(observeMessage(first, at('opening-exports', [next])), 80, plainPaint, NOW)).toHaveLength(1);
  });

  it('listens to the target only while the agent cannot be reached', () => {
    const serving = { type: 'progress', progress: exampleProgress(500, 300, { activity: 'serving' }) } as const;
    const running = exampleRound({ status: 'transferring', endedAt: null, disks: [] });
    const both = observeMessage(
      observeMessage(observeMessage(undefined, at('transferring', [running])), progress),
      serving,
    );
    expect(both.meter?.latest.activity).toBe('transferring');
    const document = exampleDocument({
      replication: exampleReplication({
        activity: 'transferring',
        rounds: [running],
        resumeWindow: {
          cause: 'agent-away',
          openedAt: '2026-03-01T12:02:11.000Z',
          deadlineAt: '2026-03-01T12:17:11.000Z',
        },
      }),
    });
    const away = observeMessage(observeMessage(both, { type: 'document', document }), serving);
    expect(renderWatch(away, 80, plainPaint, NOW).slice(1)).toEqual([
      '! agent not reached since 12:02:11 UTC, its data may still come; fails at 12:17:11 UTC (14 min 49 s left) unless either is seen',
      'target              300 MiB received',
    ]);
  });

  it('is over when it is completed, halted or cancelled', () => {
    const of = (status: TaskStatus) =>
      observeMessage(undefined, { type: 'document', document: exampleDocument({ task: exampleTask({ status }) }) });
    const over = taskStatus.options.filter((status) => isOver(of(status)));
    expect(over).toEqual(['halted', 'cancelled', 'completed']);
  });
});
