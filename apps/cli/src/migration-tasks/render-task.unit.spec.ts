import { describe, expect, it } from 'vitest';
import { DEFAULT_TASK_SETTINGS, type MigrationTaskView } from '#libs/contracts';
import {
  exampleDocument,
  exampleFailure,
  exampleLinkLost,
  exampleReplication,
  exampleRound,
  exampleTask,
} from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderDigests, renderPreCheck, renderTask } from './render-task.js';
import { renderTasks, scheduleInWords } from './render-tasks.js';

const NOW = Date.parse('2026-03-01T12:02:22.000Z');

const digest = (rootDigest: string) => ({
  diskId: 'sda',
  diskBytes: 4096,
  digestAlgorithm: 'sha256' as const,
  digestBlockBytes: 65_536,
  rootDigest: rootDigest.repeat(64),
});

describe('a task on a page', () => {
  it('has its facts, phases and rounds', () => {
    const page = renderTask(exampleDocument(), plainPaint, NOW).split('\n');
    expect(page.slice(0, 19)).toEqual([
      'Task       move db-01  11111111-1111-4111-8111-111111111111',
      'Status     running',
      'Step       Keeping the target in sync, ready for cutover',
      'Source     22222222-2222-4222-8222-222222222222',
      'Site       33333333-3333-4333-8333-333333333333',
      'Target VM  44444444-4444-4444-8444-444444444444  2 CPUs, 2 GiB, uefi',
      'Schedule   every 60 s, next at 2026-03-01 12:01:00 UTC',
      'Caps       network 300 Mbps, storage 30 % of the time, queue depth 4',
      'Resuming   within 15 min; after a failure what differs is sent; 3 retries, the first after 1 min',
      'Digests    BLAKE3',
      'Clean-up   1 h after a cancellation, 7 d after a failure',
      'Cutover    possible',
      'Created    2026-03-01 11:59:00 UTC',
      '',
      '✔ Preparing the target VM',
      '✔ Full synchronization',
      '▶ Keeping the target in sync, ready for cutover',
      '· Final synchronization',
      '',
    ]);
    expect(page[19]).toMatch(/^ROUND {2}KIND/);
    expect(page).toHaveLength(21);
  });

  it('says between facts and phases what keeps it from going on', () => {
    const page = renderTask(exampleLinkLost(), plainPaint, NOW).split('\n');
    expect(page.slice(13, 16)).toEqual([
      '',
      '! link lost at 12:02:11 UTC, resumes by itself until 12:17:11 UTC (14 min 49 s left)',
      '',
    ]);
  });

  it('says how it deals with what goes wrong', () => {
    const settings = { ...DEFAULT_TASK_SETTINGS, retryLimit: 0, failureGraceSeconds: null } as const;
    const page = (changes: Partial<MigrationTaskView>) =>
      renderTask(exampleDocument({ task: exampleTask(changes) }), plainPaint, NOW);
    const other = page({ settings: { ...settings, afterFailure: 'resend-everything', resumeWindowSeconds: 90 } });
    expect(other).toContain('Resuming   within 1 min 30 s; after a failure everything is sent; no retries\n');
    expect(other).toContain('Clean-up   1 h after a cancellation, never after a failure\n');
    expect(page({ settings: { ...settings, retryLimit: 1 } })).toContain('1 retry, the first after 1 min');
    expect(page({ status: 'cancelling', cleanUpAt: '2026-03-01T13:00:00.000Z' })).toContain(
      'Clean-up   at 2026-03-01 13:00:00 UTC\n',
    );
  });

  it('says of a failure what was lost and what was kept, and of one failure only once', () => {
    const failure = exampleFailure();
    const replication = exampleReplication({
      rounds: [exampleRound(), exampleRound({ number: 2, status: 'failed', disks: [], failure })],
    });
    const body = [
      `  ${failure.detail}`,
      '  Lost:   What was on its way and not yet acknowledged.',
      '  Kept:   Everything that the target acknowledged.',
      '  Remedy: Restore the path between source and target; the next synchronization goes on.',
    ];
    const running = renderTask(exampleDocument({ replication }), plainPaint, NOW);
    expect(running).toContain(['Round 2 failed: RESUME_WINDOW_EXPIRED', ...body].join('\n'));
    const task = exampleTask({ status: 'halted', halt: failure });
    const halted = renderTask(exampleDocument({ task, replication }), plainPaint, NOW);
    expect(halted).toContain(['Halted: RESUME_WINDOW_EXPIRED', ...body].join('\n'));
    expect(halted).not.toContain('Round 2 failed');
    const cleaning = exampleTask({ status: 'cleaning-up', halt: failure });
    expect(renderTask(exampleDocument({ task: cleaning, replication }), plainPaint, NOW)).toContain('\nFailed: RESUME');
  });

  it('says why it halted and what to do, and what the pre-checks found', () => {
    const task = exampleTask({
      status: 'halted',
      halt: { code: 'TARGET_DISK_FULL', detail: 'no space left', remedy: 'Make room.' },
      concerns: [
        { code: 'SOURCE_MEMORY_LOW', severity: 'warning', title: 'Low', text: 'Below 1 GB.', remedy: 'Add some.' },
      ],
    });
    const page = renderTask(exampleDocument({ task, replication: null }), plainPaint, NOW);
    expect(page).toContain('Halted: TARGET_DISK_FULL\n  no space left\n  Remedy: Make room.');
    expect(page).toContain('warning  SOURCE_MEMORY_LOW: Low\n  Below 1 GB.\n  Remedy: Add some.');
    expect(page).toContain('No synchronization has started yet.');
  });

  it('shows foreign text without its control characters', () => {
    const page = renderTask(exampleDocument({ task: exampleTask({ name: 'a\u001b[2Jb' }) }), plainPaint, NOW);
    expect(page).not.toContain('\u001b');
  });
});

describe('digests', () => {
  const rendered = (target: string, status: 'verified' | 'differed') =>
    renderDigests(
      exampleReplication({
        verification: { status, source: [digest('a')], target: target === '' ? [] : [digest(target)], failure: null },
      }),
      plainPaint,
    ).split('\n');

  it('are equal, different or not there', () => {
    expect(rendered('a', 'verified')).toEqual([
      'Verification: verified',
      'disk sda: equal',
      `  source  ${'a'.repeat(64)}`,
      `  target  ${'a'.repeat(64)}`,
    ]);
    expect(rendered('b', 'differed')[1]).toBe('disk sda: DIFFERENT');
    expect(rendered('', 'differed')[1]).toBe('disk sda: not computed');
  });
});

describe('a pre-check', () => {
  it('tells findings and decisions', () => {
    expect(renderPreCheck({ concerns: [], decisions: [], target: exampleTask().target }, plainPaint)).toBe(
      'Nothing speaks against it.',
    );
    const decisions = [{ code: 'THIN_ALLOCATION', text: 'Above 16 TB.' }];
    expect(renderPreCheck({ concerns: [], decisions, target: exampleTask().target }, plainPaint)).toContain(
      'decision  THIN_ALLOCATION: Above 16 TB.',
    );
  });
});

describe('the list of tasks', () => {
  it('has a line for each', () => {
    const cron = { kind: 'cron', expression: '0 * * * *', timeZone: 'UTC' } as const;
    const tasks = [exampleTask(), exampleTask({ name: 'x', status: 'completed', step: 'Completed', schedule: cron })];
    expect(renderTasks(tasks, plainPaint).split('\n')).toEqual([
      'NAME        ID                                    STATUS     STEP                                           DISKS   SIZE  SCHEDULE              CREATED (UTC)',
      'move db-01  11111111-1111-4111-8111-111111111111  running    Keeping the target in sync, ready for cutover      1  2 GiB  every 60 s            2026-03-01 11:59:00',
      'x           11111111-1111-4111-8111-111111111111  completed  Completed                                          1  2 GiB  cron 0 * * * * (UTC)  2026-03-01 11:59:00',
    ]);
  });

  it('says of a schedule that missed time points are skipped', () => {
    expect(scheduleInWords({ kind: 'interval', everySeconds: 60, catchUp: 'skip' })).toBe(
      'every 60 s, missed ones skipped',
    );
    expect(scheduleInWords({ kind: 'interval', everySeconds: 60, catchUp: 'once' })).toBe('every 60 s');
  });

  it('says what to do when there is none', () => {
    expect(renderTasks([], plainPaint)).toBe('There is no migration task. Create one with: landfall task create');
  });
});
