import { z } from 'zod';

/** 300 Mbps (R25). */
const DEFAULT_NETWORK_BYTES_PER_SECOND = 37_500_000;
/** 30 % of the time (R24). */
const DEFAULT_STORAGE_SHARE = 0.3;
const DEFAULT_STORAGE_QUEUE_DEPTH = 4;

/** 1 Mbps: with less, a request of 1 MiB would take longer than a path may be silent. */
export const MIN_NETWORK_BYTES_PER_SECOND = 125_000;
/** 100 Gbps. */
export const MAX_NETWORK_BYTES_PER_SECOND = 12_500_000_000;
export const MIN_STORAGE_SHARE = 0.01;
export const MAX_STORAGE_QUEUE_DEPTH = 32;
export const MAX_THROTTLE_WINDOWS = 50;
/** A time of day, `00:00` to `23:59`. */
export const WINDOW_FROM = /^([01]\d|2[0-3]):[0-5]\d$/;
/** The same, or the end of the day, `24:00`. */
export const WINDOW_TO = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

const networkBytesPerSecond = z
  .number()
  .int()
  .min(MIN_NETWORK_BYTES_PER_SECOND)
  .max(MAX_NETWORK_BYTES_PER_SECOND)
  .nullable();
const storageShare = z.number().min(MIN_STORAGE_SHARE).max(1).nullable();

export const weekday = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']);
export type Weekday = z.infer<typeof weekday>;

/**
 * Other caps at certain hours of certain days, by the clocks of the calendar's time zone. A window whose `to` is not
 * after `from` ends on the next day. What is left out is as outside of the window; null: unlimited.
 */
export const throttleWindow = z.object({
  days: z.array(weekday).min(1).max(7),
  from: z.string().regex(WINDOW_FROM),
  to: z.string().regex(WINDOW_TO),
  networkBytesPerSecond: networkBytesPerSecond.optional(),
  storageShare: storageShare.optional(),
});
export type ThrottleWindow = z.infer<typeof throttleWindow>;

/** The first window that is open counts. `timeZone`: an IANA name. */
export const throttleCalendar = z.object({
  timeZone: z.string().min(1).max(100),
  windows: z.array(throttleWindow).min(1).max(MAX_THROTTLE_WINDOWS),
});

/**
 * How much of its source a migration may take; what is left out has the defaults of R24 and R25, and null is no limit.
 * `networkBytesPerSecond`: over all connections of the machine, with the overhead of the protocols. `storageShare`:
 * how much of the time the agent's reads may keep a disk busy, 0.3 is 30 %. `storageQueueDepth`: reads in flight, over
 * all disks of the machine.
 */
export const throttleSettings = z.object({
  networkBytesPerSecond: networkBytesPerSecond.default(DEFAULT_NETWORK_BYTES_PER_SECOND),
  storageShare: storageShare.default(DEFAULT_STORAGE_SHARE),
  storageQueueDepth: z.number().int().min(1).max(MAX_STORAGE_QUEUE_DEPTH).default(DEFAULT_STORAGE_QUEUE_DEPTH),
  calendar: throttleCalendar.nullable().default(null),
});
export type ThrottleSettings = z.infer<typeof throttleSettings>;
export type ThrottleWishes = z.input<typeof throttleSettings>;

export const DEFAULT_THROTTLE: ThrottleSettings = throttleSettings.parse({});
/** No cap at all: the link and the disks are the limit. */
export const UNLIMITED_THROTTLE: ThrottleSettings = {
  networkBytesPerSecond: null,
  storageShare: null,
  storageQueueDepth: DEFAULT_STORAGE_QUEUE_DEPTH,
  calendar: null,
};

/** The caps of one moment; null: unlimited. */
export interface Caps {
  readonly networkBytesPerSecond: number | null;
  readonly storageShare: number | null;
  /** A window of the calendar is open. */
  readonly isByCalendar: boolean;
}

/** What holds back a round: a cap of ours, the machine's own needs, or what the hardware can do. */
export const limitingFactor = z.enum(['network-cap', 'link', 'storage-cap', 'source-latency', 'storage']);
export type LimitingFactor = z.infer<typeof limitingFactor>;

/** How a round is paced right now, as the agent sees it. */
export const roundPace = z.object({
  networkBytesPerSecond: z.number().nonnegative().nullable(),
  storageShare: z.number().nonnegative().nullable(),
  isByCalendar: z.boolean(),
  /** What went over the network, with overhead, per second of the last seconds. */
  sentBytesPerSecond: z.number().nonnegative(),
  /** How fast the round gets on by min(cap, link, storage), in bytes of the source per second; null: not known yet. */
  expectedBytesPerSecond: z.number().nonnegative().nullable(),
  /** To the end of the round at that speed; null: not known yet. */
  remainingMs: z.number().nonnegative().nullable(),
  limitedBy: limitingFactor.nullable(),
});
export type RoundPace = z.infer<typeof roundPace>;

const DAYS = weekday.options;
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
  const day = DAYS.findIndex((name) => name === partOf('weekday').toLowerCase());
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
  const begins = (index: number): boolean => window.days.some((name) => DAYS.indexOf(name) === index);
  const [from, to] = [minuteOf(window.from), minuteOf(window.to)];
  if (from < to) return begins(day) && from <= minute && minute < to;
  return (begins(day) && minute >= from) || (begins((day + DAYS.length - 1) % DAYS.length) && minute < to);
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
