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

/**
 * The first time point after `now`. An interval counts on from `previous`, so that it does not drift; time points
 * that passed while nobody could look are skipped, not made up for.
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
    const options = { currentDate: new Date(now), tz: schedule.timeZone };
    const next = CronExpressionParser.parse(schedule.expression, options).next().toISOString();
    if (next === null) throw invalid('it has no next time.');
    return next;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error));
  }
};
