import { describe, expect, it } from 'vitest';
import { isOverdue, nextTimePoint } from './next-time-point.js';

const every = (everySeconds: number) => ({ kind: 'interval', everySeconds }) as const;
const cron = (expression: string, timeZone = 'Europe/Berlin') => ({ kind: 'cron', expression, timeZone }) as const;

describe('next synchronization time point', () => {
  it('is one interval from now for a new schedule', () => {
    expect(nextTimePoint(every(60), null, '2026-03-01T10:00:00.000Z')).toBe('2026-03-01T10:01:00.000Z');
  });

  it('counts an interval from the time point before, so that it does not drift', () => {
    expect(nextTimePoint(every(60), '2026-03-01T10:00:00.000Z', '2026-03-01T10:00:07.000Z')).toBe(
      '2026-03-01T10:01:00.000Z',
    );
  });

  it('skips time points that passed while nobody could look', () => {
    expect(nextTimePoint(every(60), '2026-03-01T10:00:00.000Z', '2026-03-01T10:05:30.000Z')).toBe(
      '2026-03-01T10:06:00.000Z',
    );
  });

  it('never names the present moment again', () => {
    expect(nextTimePoint(every(60), '2026-03-01T10:00:00.000Z', '2026-03-01T10:01:00.000Z')).toBe(
      '2026-03-01T10:02:00.000Z',
    );
  });

  it('follows a cron expression in its time zone, also over the change to summer time', () => {
    expect(nextTimePoint(cron('0 3 * * *'), null, '2026-03-28T12:00:00.000Z')).toBe('2026-03-29T01:00:00.000Z');
    expect(nextTimePoint(cron('0 4 * * *'), null, '2026-03-28T12:00:00.000Z')).toBe('2026-03-29T02:00:00.000Z');
  });

  it('skips cron time points that passed while nobody could look, however many', () => {
    expect(nextTimePoint(cron('* * * * *'), '2026-01-01T10:00:00.000Z', '2026-03-01T10:05:30.000Z')).toBe(
      '2026-03-01T10:06:00.000Z',
    );
  });

  it.each([
    ['nonsense', cron('every day')],
    ['a second field', cron('*/5 * * * * *')],
    ['an unknown time zone', cron('0 3 * * *', 'Mars/Olympus')],
  ])('refuses %s', (_what, schedule) => {
    expect(() => nextTimePoint(schedule, null, '2026-03-01T10:00:00.000Z')).toThrow(
      expect.objectContaining({ code: 'PLANNING.SCHEDULE_INVALID' }),
    );
  });
});

describe('a time of the day, in its time zone, when clocks change', () => {
  /** The time points of a schedule, each found from the one before it. */
  const follow = (schedule: ReturnType<typeof cron>, from: string, count: number): string[] => {
    const found: string[] = [];
    for (let now = from; found.length < count; now = found.at(-1)!) {
      found.push(nextTimePoint(schedule, found.at(-1) ?? null, now));
    }
    return found;
  };

  it('that does not exist in spring comes once, an hour later', () => {
    expect(follow(cron('30 2 * * *'), '2026-03-28T00:00:00.000Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z', // 03:30 in summer time
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('that exists twice in autumn comes once, at the first of them', () => {
    expect(follow(cron('30 2 * * *'), '2026-10-24T12:00:00.000Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('that exists twice comes once also when somebody looks only between the two', () => {
    expect(nextTimePoint(cron('30 2 * * *'), '2026-10-25T00:30:00.000Z', '2026-10-25T01:10:00.000Z')).toBe(
      '2026-10-26T01:30:00.000Z',
    );
  });

  it('means nothing to a schedule of every hour', () => {
    const hours = (from: string) => follow(cron('0 * * * *'), from, 4).map((at) => at.slice(11, 13));
    expect(hours('2026-03-28T23:30:00.000Z')).toEqual(['00', '01', '02', '03']);
    expect(hours('2026-10-24T23:30:00.000Z')).toEqual(['00', '01', '02', '03']);
  });
});

describe('a time point that is overdue', () => {
  const point = '2026-03-01T10:00:00.000Z';

  it.each([
    ['is due now', every(3600), '2026-03-01T10:00:00.000Z', false],
    ['was due a minute ago', every(3600), '2026-03-01T10:01:00.000Z', false],
    ['was due more than a minute ago', every(3600), '2026-03-01T10:01:00.001Z', true],
    ['is due, with the next one not due yet', every(5), '2026-03-01T10:00:04.999Z', false],
    ['is due together with the next one', every(5), '2026-03-01T10:00:05.000Z', true],
    ['is due, every minute', cron('* * * * *'), '2026-03-01T10:00:59.999Z', false],
    ['is due together with the next one, every minute', cron('* * * * *'), '2026-03-01T10:01:00.000Z', true],
  ])('is one that passed while nobody could look: %s', (_what, schedule, now, expected) => {
    expect(isOverdue(schedule, point, now)).toBe(expected);
  });
});
