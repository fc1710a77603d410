import { DEFAULT_THROTTLE, WEEKDAYS } from './throttle-defaults.js';
import type { ThrottleSettings, ThrottleWindow } from './throttle.js';

/** No cap at all: the link and the disks are the limit. */
export const UNLIMITED_THROTTLE: ThrottleSettings = {
  ...DEFAULT_THROTTLE,
  networkBytesPerSecond: null,
  storageShare: null,
};

/** The caps of one moment; null: unlimited. */
export interface Caps {
  readonly networkBytesPerSecond: number | null;
  readonly storageShare: number | null;
  /** A window of the calendar is open. */
  readonly isByCalendar: boolean;
}

const MINUTES_PER_HOUR = 60;

/** @throws RangeError when there is no such time zone */
const wallClock = (timeZone: string, at: Date): { readonly day: number; readonly minute: number } => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const partOf = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  const day = WEEKDAYS.findIndex((name) => name === partOf('weekday').toLowerCase());
  return { day, minute: Number(partOf('hour')) * MINUTES_PER_HOUR + Number(partOf('minute')) };
};

const minuteOf = (time: string): number => {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) * MINUTES_PER_HOUR + Number(minutes);
};

const isOpen = (
  window: ThrottleWindow,
  { day, minute }: { readonly day: number; readonly minute: number },
): boolean => {
  const begins = (index: number): boolean => window.days.some((name) => WEEKDAYS.indexOf(name) === index);
  const [from, to] = [minuteOf(window.from), minuteOf(window.to)];
  if (from < to) return begins(day) && from <= minute && minute < to;
  return (begins(day) && minute >= from) || (begins((day + WEEKDAYS.length - 1) % WEEKDAYS.length) && minute < to);
};

/**
 * The caps of a moment. Windows go by what clocks show in the calendar's time zone: an hour that clocks repeat is in a
 * window twice, one that they skip is not missed.
 *
 * In a time zone that this program does not know (its tables may be older than the server's) the strictest caps of all
 * windows hold: a source that is spared too much is slow, one that is spared too little is harmed.
 */
export const capsAt = (settings: Omit<ThrottleSettings, 'storageQueueDepth'>, at: Date): Caps => {
  const { networkBytesPerSecond: network, storageShare: share, calendar } = settings;
  const usual: Caps = { networkBytesPerSecond: network, storageShare: share, isByCalendar: false };
  if (calendar === null) return usual;
  let clock: { readonly day: number; readonly minute: number };
  try {
    clock = wallClock(calendar.timeZone, at);
  } catch {
    return strictest(usual, calendar.windows);
  }
  const open = calendar.windows.find((window) => isOpen(window, clock));
  return open === undefined ? usual : within(open, usual);
};

const within = (window: ThrottleWindow, usual: Caps): Caps => ({
  networkBytesPerSecond:
    window.networkBytesPerSecond === undefined ? usual.networkBytesPerSecond : window.networkBytesPerSecond,
  storageShare: window.storageShare === undefined ? usual.storageShare : window.storageShare,
  isByCalendar: true,
});

const strictest = (usual: Caps, windows: readonly ThrottleWindow[]): Caps => {
  const all = [usual, ...windows.map((window) => within(window, usual))];
  const least = (values: readonly (number | null)[]): number | null =>
    values.reduce((a, b) => (a === null ? b : b === null ? a : Math.min(a, b)), null);
  return {
    networkBytesPerSecond: least(all.map((caps) => caps.networkBytesPerSecond)),
    storageShare: least(all.map((caps) => caps.storageShare)),
    isByCalendar: true,
  };
};

/** What a schema cannot see of a calendar, in words; null: nothing is wrong with it. */
export const faultOfThrottle = ({ calendar }: ThrottleSettings): string | null => {
  if (calendar === null) return null;
  try {
    wallClock(calendar.timeZone, new Date(0));
  } catch {
    return `${JSON.stringify(calendar.timeZone)} is not a known time zone.`;
  }
  const empty = calendar.windows.find(({ from, to }) => from === to);
  if (empty !== undefined) return `A window from ${empty.from} to ${empty.to} has no length.`;
  const twice = calendar.windows.find(({ days }) => new Set(days).size < days.length);
  return twice === undefined ? null : `A window names a day twice: ${twice.days.join(', ')}.`;
};
