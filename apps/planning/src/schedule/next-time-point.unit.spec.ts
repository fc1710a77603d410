import { describe, expect, it } from 'vitest';
import { nextTimePoint } from './next-time-point.js';

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
