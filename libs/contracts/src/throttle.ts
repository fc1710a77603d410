import * as z from 'zod';
import { DEFAULT_THROTTLE, WEEKDAYS } from './throttle-defaults.js';

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

export const weekday = z.enum(WEEKDAYS);
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
  networkBytesPerSecond: networkBytesPerSecond.default(DEFAULT_THROTTLE.networkBytesPerSecond),
  storageShare: storageShare.default(DEFAULT_THROTTLE.storageShare),
  storageQueueDepth: z.number().int().min(1).max(MAX_STORAGE_QUEUE_DEPTH).default(DEFAULT_THROTTLE.storageQueueDepth),
  calendar: throttleCalendar.nullable().default(DEFAULT_THROTTLE.calendar),
});
export type ThrottleSettings = z.infer<typeof throttleSettings>;
export type ThrottleWishes = z.input<typeof throttleSettings>;

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
