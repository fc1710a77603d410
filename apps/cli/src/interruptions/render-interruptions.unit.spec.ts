import { describe, expect, it } from 'vitest';
import type { ReplicationView, ResumeWindowView } from '#libs/contracts';
import {
  TASK_ID,
  exampleDocument,
  exampleFailure,
  exampleLinkLost,
  exampleReplication,
  exampleRound,
  exampleTask,
} from '../gateway/example-documents.js';
import type { TaskDocument } from '../gateway/task-document.js';
import { plainPaint } from '../terminal/paint.js';
import { renderInterruptions } from './render-interruptions.js';

const NOW = Date.parse('2026-03-01T12:02:22.000Z');
const OPENED_AT = '2026-03-01T12:02:11.000Z';
const DEADLINE_AT = '2026-03-01T12:17:11.000Z';
const shown = (document: TaskDocument, nowMs = NOW) => renderInterruptions(document, plainPaint, nowMs);

const waiting = (cause: ResumeWindowView['cause'], activity: ReplicationView['activity'] = 'transferring') =>
  exampleDocument({
    replication: exampleReplication({
      activity,
      resumeWindow: { cause, openedAt: OPENED_AT, deadlineAt: DEADLINE_AT },
    }),
  });
const of = (changes: Partial<TaskDocument['task']>, replication?: Partial<ReplicationView>) =>
  exampleDocument({ task: exampleTask(changes), replication: exampleReplication(replication) });

describe('what keeps a task from going on', () => {
  it('is nothing while all is well', () => {
    expect(shown(exampleDocument())).toEqual([]);
    expect(shown(exampleDocument({ replication: null }))).toEqual([]);
    expect(shown(of({ status: 'completed' }))).toEqual([]);
    expect(shown(of({ status: 'cancelled', cleanUpAt: DEADLINE_AT }))).toEqual([]);
  });

  it('is a lost link, until its window is over', () => {
    expect(shown(exampleLinkLost())).toEqual([
      '! link lost at 12:02:11 UTC, resumes by itself until 12:17:11 UTC (14 min 49 s left)',
    ]);
    expect(shown(exampleLinkLost(), Date.parse(DEADLINE_AT) - 1)[0]).toMatch(/\(1 s left\)$/);
    expect(shown(exampleLinkLost(), Date.parse(DEADLINE_AT))[0]).toMatch(/\(time is up\)$/);
    expect(shown(exampleLinkLost(), Date.parse('2026-03-02T08:00:00.000Z'))[0]).toContain(
      'link lost at 2026-03-01 12:02:11 UTC',
    );
  });

  it('is an end that is away', () => {
    expect(shown(waiting('agent-away'))).toEqual([
      '! agent not reached since 12:02:11 UTC, its data may still come; fails at 12:17:11 UTC (14 min 49 s left) unless either is seen',
    ]);
    expect(shown(waiting('restorer-away', 'verifying'))).toEqual([
      '! restore environment not reached since 12:02:11 UTC, goes on by itself until 12:17:11 UTC (14 min 49 s left)',
    ]);
  });

  it.each([
    ['opening-exports', 'for the target to serve its disks'],
    ['connecting', 'for the agent to reach the target'],
    ['verifying', 'for the target to read its disks'],
    ['transferring', 'for both ends'],
  ] as const)('is a beginning that takes long: %s', (activity, what) => {
    expect(shown(waiting('begin', activity))).toEqual([
      `! waiting since 12:02:11 UTC ${what}, fails at 12:17:11 UTC (14 min 49 s left)`,
    ]);
    expect(shown(waiting('begin', activity), Date.parse(OPENED_AT) + 4_999)).toEqual([]);
  });

  it('is the time until a retry', () => {
    const failed = exampleRound({ status: 'failed', disks: [], failure: exampleFailure({ code: 'EXPORT_FAILED' }) });
    const retrying = of({}, { activity: 'waiting-for-retry', retryAt: '2026-03-01T12:03:21.000Z', rounds: [failed] });
    expect(shown(retrying)).toEqual([
      '! round 1 failed (EXPORT_FAILED), tried again by itself at 12:03:21 UTC (in 59 s)',
    ]);
    expect(shown(retrying, NOW + 60_000)[0]).toMatch(/at 12:03:21 UTC \(due\)$/);
  });

  it('is a pause, in which nothing else runs out', () => {
    const resume = `! paused; let it go on with: landfall resume ${TASK_ID}`;
    expect(shown(of({ status: 'paused' }, { activity: 'paused', retryAt: DEADLINE_AT }))).toEqual([resume]);
  });

  it('is a cancellation, which can be taken back until the clean-up', () => {
    const cancelled = of({ status: 'cancelling', cleanUpAt: '2026-03-01T13:02:22.000Z' }, { activity: 'stopped' });
    expect(shown(cancelled)).toEqual([
      `! cancelled, everything created for it is removed at 13:02:22 UTC (1 h left); keep it with: landfall keep ${TASK_ID}`,
    ]);
    expect(shown(of({ status: 'cleaning-up' }, { activity: 'stopped' }))).toEqual([
      `! cleaning up, everything created for it is being removed; see: landfall ledger ${TASK_ID}`,
    ]);
  });

  it('is a halt that ends in a clean-up when nobody attends to it', () => {
    const cleanUpAt = '2026-03-08T12:00:00.000Z';
    expect(shown(of({ status: 'halted', halt: exampleFailure(), cleanUpAt }))).toEqual([
      `! halted, everything created for it is removed at 2026-03-08 12:00:00 UTC (6 d 23 h left) unless somebody attends to it: landfall retry ${TASK_ID}`,
    ]);
    expect(shown(of({ status: 'halted', halt: exampleFailure() }))).toEqual([]);
  });
});
