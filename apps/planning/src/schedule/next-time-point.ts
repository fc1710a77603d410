import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from '#libs/contracts';
import { DomainError } from '#libs/eventsourcing';

const invalid = (text: string): DomainError =>
  new DomainError(
    'PLANNING.SCHEDULE_INVALID',
    `The schedule cannot be used: ${text}`,
    'Give an interval in seconds, or a cron expression of five fields with an IANA time zone.',
  );

/** Five fields: a schedule is no finer than a minute; for less there is the interval. */
const CRON_FIELDS = 5;

/** Further back a cron expression is not followed: it does not need to be, and one of every minute costs by the minute. */
const FOLLOWED_BACK_MS = 24 * 3_600_000;

/**
 * The first time point after `now`. Both kinds of schedules count on from `previous`, so that an interval does not
 * drift and the hour that clocks repeat in autumn is not taken for two; time points that passed while nobody could
 * look are skipped.
 *
 * In its time zone, a cron expression with a fixed hour comes due once a day also when clocks change: at the first of
 * two equal times, and an hour later when its time does not exist. (Where clocks jump by half an hour, a time that
 * does not exist is left out.) One for every hour or minute follows real time.
 * @param previous the time point before; null for a new schedule
 * @throws DomainError `PLANNING.SCHEDULE_INVALID`
 */
export const nextTimePoint = (schedule: Schedule, previous: string | null, now: string): string => {
  if (schedule.kind === 'interval') {
    const every = schedule.everySeconds * 1000;
    const base = Date.parse(previous ?? now);
    const passed = Math.max(0, Math.floor((Date.parse(now) - base) / every));
    return new Date(base + (passed + 1) * every).toISOString();
  }
  if (schedule.expression.trim().split(/\s+/).length !== CRON_FIELDS)
    throw invalid('a cron expression has five fields.');
  try {
    const from = Math.max(Date.parse(previous ?? now), Date.parse(now) - FOLLOWED_BACK_MS);
    const times = CronExpressionParser.parse(schedule.expression, {
      currentDate: new Date(from),
      tz: schedule.timeZone,
    });
    for (;;) {
      const next = times.next().toISOString();
      if (next === null) throw invalid('it has no next time.');
      if (next > now) return next;
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error));
  }
};

/** Sweeps are half a second apart; what is this long over was not looked at by anybody in time. */
const OVERDUE_AFTER_MS = 60_000;

/**
 * Whether a time point passed while nobody could look: it is over for more than a minute, or the one after it is due
 * as well.
 */
export const isOverdue = (schedule: Schedule, timePoint: string, now: string): boolean =>
  Date.parse(now) - Date.parse(timePoint) > OVERDUE_AFTER_MS || followingTimePoint(schedule, timePoint) <= now;

const followingTimePoint = (schedule: Schedule, timePoint: string): string =>
  nextTimePoint(schedule, timePoint, timePoint);
