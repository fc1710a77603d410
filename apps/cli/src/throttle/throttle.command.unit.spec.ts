import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_THROTTLE, type ThrottleSettings } from '#libs/contracts';
import { bitRateInWords, calendarInWords, parsePercent, parseRate, throttleInWords } from './caps-in-words.js';
import { throttleFrom } from './throttle.command.js';

const CALENDAR: NonNullable<ThrottleSettings['calendar']> = {
  timeZone: 'Europe/Berlin',
  windows: [{ days: ['monday', 'friday'], from: '08:00', to: '18:00', networkBytesPerSecond: 6_250_000 }],
};

describe('caps', () => {
  it.each([
    ['300Mbps', 37_500_000],
    ['1 Gbps', 125_000_000],
    ['37.5MB/s', 37_500_000],
    ['20 MiB/s', 20_971_520],
    ['1000kbps', 125_000],
    ['300', undefined],
    ['fast', undefined],
    ['-1Mbps', undefined],
  ])('of the network are read from %s', (text, rate) => {
    expect(parseRate(text)).toBe(rate);
  });

  it.each([
    ['30%', 0.3],
    ['30 %', 0.3],
    ['100', 1],
    ['0', undefined],
    ['101%', undefined],
    ['a', undefined],
  ])('of the storage are read from %s', (text, share) => {
    expect(parsePercent(text)).toBe(share);
  });

  it('are told in words, with those of the calendar while a window is open', () => {
    expect([bitRateInWords(37_500_000), bitRateInWords(187_500_000)]).toEqual(['300 Mbps', '1.5 Gbps']);
    const usual = 'network 300 Mbps, storage 30 % of the time';
    expect(throttleInWords(DEFAULT_THROTTLE, 0)).toBe(`${usual}, queue depth 4`);
    const throttle = { ...DEFAULT_THROTTLE, calendar: CALENDAR };
    expect(throttleInWords(throttle, Date.parse('2026-03-03T12:00:00Z'))).toBe(
      `${usual}, queue depth 4, calendar closed now`,
    );
    expect(throttleInWords(throttle, Date.parse('2026-03-02T12:00:00Z'))).toBe(
      `network 50 Mbps, storage 30 % of the time, queue depth 4 by the calendar now (otherwise ${usual})`,
    );
    expect(calendarInWords(throttle)).toEqual([
      'Mon Fri 08:00-18:00 Europe/Berlin: network 50 Mbps, storage 30 % of the time',
    ]);
    const off = { ...DEFAULT_THROTTLE, networkBytesPerSecond: null, storageShare: null };
    expect(throttleInWords(off, 0)).toBe('network unlimited, storage unlimited, queue depth 4');
  });
});

describe('caps from options', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-throttle-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const fileOf = async (text: string): Promise<string> => {
    const path = join(folder, 'calendar.json');
    await writeFile(path, text);
    return path;
  };

  it('change what was said, and nothing else', async () => {
    const current = { ...DEFAULT_THROTTLE, storageShare: 0.2, calendar: CALENDAR };
    expect(await throttleFrom({}, current)).toBeUndefined();
    expect(await throttleFrom({ network: null }, current)).toEqual({ ...current, networkBytesPerSecond: null });
    expect(await throttleFrom({ storage: 0.5, queueDepth: 2 }, current)).toEqual({
      ...current,
      storageShare: 0.5,
      storageQueueDepth: 2,
    });
    expect(await throttleFrom({ calendar: false }, current)).toEqual({ ...current, calendar: null });
  });

  it('take a calendar from a file', async () => {
    const path = await fileOf(JSON.stringify(CALENDAR));
    expect(await throttleFrom({ calendar: path }, DEFAULT_THROTTLE)).toEqual({
      ...DEFAULT_THROTTLE,
      calendar: CALENDAR,
    });
  });

  it('refuse a file that is none', async () => {
    for (const text of ['', '{}', '{"timeZone":"UTC","windows":[{"days":["monday"],"from":"8","to":"9"}]}']) {
      await expect(throttleFrom({ calendar: await fileOf(text) }, DEFAULT_THROTTLE)).rejects.toThrow('not a calendar');
    }
    const missing = { calendar: join(folder, 'missing') };
    await expect(throttleFrom(missing, DEFAULT_THROTTLE)).rejects.toThrow('cannot be read');
  });
});
