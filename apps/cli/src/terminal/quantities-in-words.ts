const KIB = 1024;
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A size for people, in powers of 1024: `0 B`, `1023 B`, `1.5 MiB`, `500 GiB`. */
export function sizeInWords(bytes: number): string {
  let value = bytes / KIB;
  if (value < 1) return `${bytes} B`;
  let unit: string = UNITS[0];
  for (const next of UNITS.slice(1)) {
    if (Math.round(value * 10) < KIB * 10) break;
    value /= KIB;
    unit = next;
  }
  return `${value < 100 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0)} ${unit}`;
}

/** A rate for people, such as `87.3 MiB/s`. */
export const rateInWords = (bytesPerSecond: number): string => `${sizeInWords(Math.round(bytesPerSecond))}/s`;

/** A duration for people: `0.4 s`, `12.3 s`, `3 min 05 s`, `2 h 07 min`. */
export function durationInWords(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

const PARTS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/**
 * A span that somebody chose, exactly: `15 min`, `1 h 30 min`, `7 d`.
 *
 * @param mostParts the smaller parts beyond these are left out
 */
export function spanInWords(seconds: number, mostParts: number = PARTS.length): string {
  let rest = seconds;
  const parts: string[] = [];
  for (const [unit, length] of PARTS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.slice(0, mostParts).join(' ');
}

/** What is left until a moment: `14 min 49 s`, `6 d 23 h`; nothing is left exactly then. @returns null when it is over */
export function leftInWords(instant: string, nowMs: number): string | null {
  const seconds = Math.ceil((Date.parse(instant) - nowMs) / 1000);
  return seconds > 0 ? spanInWords(seconds, 2) : null;
}

/** A moment near now, in UTC: only the time of day when it is of the same day, `10:02:11 UTC`. */
export function nearMomentInWords(instant: string, nowMs: number): string {
  const moment = momentInWords(instant);
  const [day, time] = moment.split(' ');
  return `${day === new Date(nowMs).toISOString().slice(0, 10) ? time : moment} UTC`;
}

/** A moment for people, in UTC like all moments here: `2026-03-01 12:00:05`. */
export const momentInWords = (instant: string | null): string =>
  instant === null ? '-' : instant.slice(0, 19).replace('T', ' ');

const SIZE = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB)?$/;

/**
 * A size that a person typed: bytes, or with a unit in powers of 1024, such as `2GiB` or `1.5 TiB`.
 *
 * @returns undefined when it is no size, or no whole number of bytes that can be told exactly
 */
export function parseSize(text: string): number | undefined {
  const [, value = '', unit = 'B'] = SIZE.exec(text.trim()) ?? [];
  const bytes = Number(value) * KIB ** ['B', ...UNITS].indexOf(unit);
  return value !== '' && Number.isSafeInteger(bytes) ? bytes : undefined;
}

const DURATION = /^(\d+)(s|m|h|d)?$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A duration that a person typed: `60`, `60s`, `5m`, `1h`, `1d`. @returns seconds, or undefined when it is none */
export function parseSeconds(text: string): number | undefined {
  const [, value = '', unit = 's'] = DURATION.exec(text.trim()) ?? [];
  if (value === '' || !(unit === 's' || unit === 'm' || unit === 'h' || unit === 'd')) return undefined;
  const seconds = Number(value) * SECONDS[unit];
  return Number.isSafeInteger(seconds) ? seconds : undefined;
}
