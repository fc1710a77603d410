import { type Caps, type ThrottleSettings, type Weekday, capsAt } from '#libs/contracts';

const BITS_PER_BYTE = 8;
const MEGA = 1_000_000;
const GIGA = 1_000_000_000;

/** A network rate as people buy it: `300 Mbps`, `1.5 Gbps`. */
export function bitRateInWords(bytesPerSecond: number): string {
  const bits = bytesPerSecond * BITS_PER_BYTE;
  const [value, unit] = bits < GIGA ? [bits / MEGA, 'Mbps'] : [bits / GIGA, 'Gbps'];
  return `${Number(value.toFixed(1))} ${unit}`;
}

export const shareInWords = (share: number): string => `${Number((share * 100).toFixed(1))} %`;

const networkInWords = (cap: number | null): string => (cap === null ? 'unlimited' : bitRateInWords(cap));
const storageInWords = (cap: number | null): string =>
  cap === null ? 'unlimited' : `${shareInWords(cap)} of the time`;

/** Such as `network 300 Mbps, storage 30 % of the time`. */
export const capsInWords = ({ networkBytesPerSecond, storageShare }: Omit<Caps, 'isByCalendar'>): string =>
  `network ${networkInWords(networkBytesPerSecond)}, storage ${storageInWords(storageShare)}`;

/** @param nowMs the calendar is told as it is then */
export function throttleInWords(throttle: ThrottleSettings, nowMs: number): string {
  const caps = capsAt(throttle, new Date(nowMs));
  const depth = `queue depth ${throttle.storageQueueDepth}`;
  if (throttle.calendar === null) return `${capsInWords(caps)}, ${depth}`;
  const otherwise = caps.isByCalendar ? ` (otherwise ${capsInWords(throttle)})` : '';
  return `${capsInWords(caps)}, ${depth}${caps.isByCalendar ? ' by the calendar now' : ', calendar closed now'}${otherwise}`;
}

const SHORT: Readonly<Record<Weekday, string>> = {
  monday: 'Mon',
  tuesday: 'Tue',
  wednesday: 'Wed',
  thursday: 'Thu',
  friday: 'Fri',
  saturday: 'Sat',
  sunday: 'Sun',
};

/** A line for each window. */
export function calendarInWords({ calendar, ...usual }: ThrottleSettings): readonly string[] {
  if (calendar === null) return [];
  return calendar.windows.map(({ days, from, to, networkBytesPerSecond, storageShare }) => {
    const caps = {
      networkBytesPerSecond: networkBytesPerSecond === undefined ? usual.networkBytesPerSecond : networkBytesPerSecond,
      storageShare: storageShare === undefined ? usual.storageShare : storageShare,
    };
    return `${days.map((day) => SHORT[day]).join(' ')} ${from}-${to} ${calendar.timeZone}: ${capsInWords(caps)}`;
  });
}

const RATE = /^(\d+(?:\.\d+)?) ?(kbps|Mbps|Gbps|KiB\/s|MiB\/s|GiB\/s|kB\/s|MB\/s|GB\/s|B\/s)$/;
const BYTES_PER_SECOND: Readonly<Record<string, number>> = {
  kbps: 1_000 / BITS_PER_BYTE,
  Mbps: MEGA / BITS_PER_BYTE,
  Gbps: GIGA / BITS_PER_BYTE,
  'B/s': 1,
  'kB/s': 1_000,
  'MB/s': MEGA,
  'GB/s': GIGA,
  'KiB/s': 1024,
  'MiB/s': 1024 ** 2,
  'GiB/s': 1024 ** 3,
};

/** A rate that a person typed, with its unit: `300Mbps`, `37.5MB/s`. @returns undefined when it is none */
export function parseRate(text: string): number | undefined {
  const [, value = '', unit = ''] = RATE.exec(text.trim()) ?? [];
  const factor = BYTES_PER_SECOND[unit];
  return factor === undefined ? undefined : Math.round(Number(value) * factor);
}

const PERCENT = /^(\d{1,3}(?:\.\d+)?) ?%?$/;

/** A share of time that a person typed, in percent: `30%`, `30`. @returns undefined when it is none */
export function parsePercent(text: string): number | undefined {
  const [, value] = PERCENT.exec(text.trim()) ?? [];
  const percent = Number(value);
  return value === undefined || percent <= 0 || percent > 100 ? undefined : percent / 100;
}
