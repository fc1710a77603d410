import { describe, expect, it } from 'vitest';
import { endpointProgress } from '#libs/contracts';
import { exampleProgress } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { type ProgressMeter, observeProgress } from './progress-meter.js';
import { renderProgress } from './render-progress.js';

const MIB = 1024 ** 2;

const meterOf = (samples: readonly (readonly [atMs: number, processedMib: number])[]): ProgressMeter => {
  let meter: ProgressMeter | undefined;
  for (const [atMs, processedMib] of samples) meter = observeProgress(meter, exampleProgress(atMs, processedMib));
  if (meter === undefined) throw new Error('no samples');
  return meter;
};

describe('the progress meter', () => {
  it('knows no rate after one sample', () => {
    expect(meterOf([[0, 100]])).toMatchObject({ fraction: 0.1, bytesPerSecond: null, remainingMs: null });
  });

  it('tells rate and remaining time from the last four seconds', () => {
    // 10 MiB/s at first, which is too long ago to count, then 100 MiB/s.
    const meter = meterOf([
      [0, 0],
      [10_000, 100],
      [12_000, 300],
      [14_000, 500],
    ]);
    expect(meter.bytesPerSecond).toBe(100 * MIB);
    expect(meter.remainingMs).toBe(5_000);
  });

  it('shows a stall as a rate of nothing and an unknown end', () => {
    const meter = meterOf([
      [0, 500],
      [4_000, 500],
    ]);
    expect(meter).toMatchObject({ bytesPerSecond: 0, remainingMs: null });
  });

  it('begins anew with another activity or another assignment', () => {
    const transferring = meterOf([
      [0, 0],
      [2_000, 200],
    ]);
    const digesting = observeProgress(transferring, exampleProgress(2_500, 0, { activity: 'digesting' }));
    expect(digesting.bytesPerSecond).toBeNull();
    const other = exampleProgress(2_500, 0, { assignmentId: '77777777-7777-4777-8777-777777777777' });
    expect(observeProgress(transferring, other).bytesPerSecond).toBeNull();
  });

  it('does not take a plan of nothing for done', () => {
    const [disk] = exampleProgress(0, 0).disks;
    const mapping = exampleProgress(0, 0, {
      activity: 'mapping',
      disks: disk === undefined ? [] : [{ ...disk, plannedBytes: 0 }],
    });
    expect(observeProgress(undefined, mapping).fraction).toBe(0);
  });
});

describe('rendered progress', () => {
  const meter = meterOf([
    [0, 50],
    [2_000, 250],
  ]);

  it('is one line for one disk', () => {
    expect(renderProgress(meter, 100, plainPaint)).toEqual([
      'transferring        ████░░░░░░░░░░░░  25 %  250 MiB of 1000 MiB  250 MiB sent  100 MiB/s  ETA 7.5 s',
    ]);
  });

  it('tells no rate while nothing can move', () => {
    const waiting = observeProgress(
      observeProgress(undefined, exampleProgress(0, 250, { activity: 'waiting-for-link' })),
      exampleProgress(1_000, 250, { activity: 'waiting-for-link' }),
    );
    expect(renderProgress(waiting, 80, plainPaint)).toEqual([
      'waiting for link    ████▌░░░░░░░░░░░░░  25 %  250 MiB of 1000 MiB  250 MiB sent',
    ]);
    expect(renderProgress(meter, 80, plainPaint, 'paused')).toEqual([
      'paused              ████▌░░░░░░░░░░░░░  25 %  250 MiB of 1000 MiB  250 MiB sent',
    ]);
  });

  it('is what was received, when the target tells it, which it does every five seconds', () => {
    const serving = observeProgress(
      observeProgress(undefined, exampleProgress(0, 100, { activity: 'serving' })),
      exampleProgress(5_000, 350, { activity: 'serving' }),
    );
    expect(renderProgress(serving, 80, plainPaint)).toEqual(['target              350 MiB received  50 MiB/s']);
  });

  it.each(endpointProgress.shape.activity.options)('has a word for %s that fits', (activity) => {
    const [line = ''] = renderProgress(observeProgress(undefined, exampleProgress(0, 1, { activity })), 80, plainPaint);
    expect(line).toMatch(/^[a-z]+[a-zRESCAN ()]* {2}/);
    expect(line).not.toContain('…');
  });

  it('has a line for each of several disks', () => {
    const [disk] = exampleProgress(2_500, 300).disks;
    if (disk === undefined) throw new Error('no disk');
    const two = exampleProgress(2_500, 300, { disks: [disk, { ...disk, diskId: 'sdb', processedBytes: 1000 * MIB }] });
    expect(renderProgress(observeProgress(undefined, two), 80, plainPaint)).toEqual([
      'transferring        █████████████▋░░░░░░░  65 %  1.3 GiB of 2 GiB  600 MiB sent',
      '  sda               ██████▎░░░░░░░░░░░░░░  30 %  300 MiB of 1000 MiB',
      '  sdb               █████████████████████ 100 %  1000 MiB of 1000 MiB',
    ]);
  });
});
