import { describe, expect, it } from 'vitest';
import { type RoundPace, endpointProgress } from '#libs/contracts';
import { exampleProgress } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { type ProgressMeter, observeProgress } from './progress-meter.js';
import { renderProgress } from './render-progress.js';

const MIB = 1024 ** 2;
const PACE: RoundPace = {
  networkBytesPerSecond: 37_500_000,
  storageShare: 0.3,
  isByCalendar: false,
  sentBytesPerSecond: 30_000_000,
  expectedBytesPerSecond: 36_000_000,
  remainingMs: 60_000,
  limitedBy: 'network-cap',
};

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

  it('believes the agent about the remaining time: it knows of caps, and of what was not measured yet', () => {
    const progress = exampleProgress(0, 100);
    const told = { ...progress, pace: { ...PACE, remainingMs: 123_000 } };
    expect(observeProgress(undefined, told)).toMatchObject({ bytesPerSecond: null, remainingMs: 123_000 });
    const unknown = observeProgress(undefined, { ...progress, pace: { ...PACE, remainingMs: null } });
    expect(unknown.remainingMs).toBeNull();
  });

  it('says what caps are in force, what is sent, and what holds the round back', () => {
    const lineOf = (pace: Partial<RoundPace>): string | undefined => {
      const progress = endpointProgress.parse({ ...exampleProgress(0, 100), pace: { ...PACE, ...pace } });
      return renderProgress(observeProgress(undefined, progress), 120, plainPaint).at(-1);
    };
    expect(lineOf({})).toBe(
      'Caps: network 300 Mbps, storage 30 % of the time; sending 240 Mbps; limited by the network cap',
    );
    expect(lineOf({ networkBytesPerSecond: null, isByCalendar: true, limitedBy: 'source-latency' })).toBe(
      'Caps: network unlimited, storage 30 % of the time (calendar); sending 240 Mbps; giving way to the source, which needs its disk (below 30 %)',
    );
    expect(lineOf({ limitedBy: null })).not.toContain('limited');
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
