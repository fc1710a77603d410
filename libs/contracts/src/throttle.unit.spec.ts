import { describe, expect, it } from 'vitest';
import {
  capsAt,
  DEFAULT_THROTTLE,
  faultOfThrottle,
  recordedReplicationSettings,
  recordedTaskSettings,
  settingsFromRecord,
  taskSettingsFromRecord,
  throttleSettings,
  type ThrottleSettings,
  type ThrottleWindow,
} from './index.js';

const BUSINESS: ThrottleWindow = {
  days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  from: '08:00',
  to: '18:00',
  networkBytesPerSecond: 5_000_000,
  storageShare: 0.1,
};
const settings = (timeZone: string, ...windows: ThrottleWindow[]): ThrottleSettings => ({
  ...DEFAULT_THROTTLE,
  calendar: { timeZone, windows },
});
/** Whether the window is open at each of these moments. */
const openAt = (of: ThrottleSettings, ...moments: string[]): boolean[] =>
  moments.map((moment) => capsAt(of, new Date(moment)).isByCalendar);

describe('throttle settings', () => {
  it('have the defaults: 300 Mbps, 30 %, queue depth 4, and also where an older record says nothing', () => {
    const defaults = { networkBytesPerSecond: 37_500_000, storageShare: 0.3, storageQueueDepth: 4, calendar: null };
    expect(DEFAULT_THROTTLE).toEqual(defaults);
    const older = { resumeWindowSeconds: 900, afterFailure: 'compare-digests', retryLimit: 3, retryDelaySeconds: 60 };
    const recorded = recordedReplicationSettings.parse(older);
    expect(settingsFromRecord(recorded).throttle).toEqual(defaults);
    const task = { ...older, cancelGraceSeconds: 1, failureGraceSeconds: null };
    expect(taskSettingsFromRecord(recordedTaskSettings.parse(task)).throttle).toEqual(defaults);
    expect(throttleSettings.parse({ networkBytesPerSecond: null })).toEqual({
      ...defaults,
      networkBytesPerSecond: null,
    });
  });

  it.each([
    { networkBytesPerSecond: 0 },
    { networkBytesPerSecond: 124_999 },
    { networkBytesPerSecond: 200_000.5 },
    { storageShare: 0 },
    { storageShare: 1.1 },
    { storageShare: 30 },
    { storageQueueDepth: 0 },
    { storageQueueDepth: 33 },
    { calendar: { timeZone: 'UTC', windows: [] } },
    { calendar: { timeZone: 'UTC', windows: [{ ...BUSINESS, days: [] }] } },
    { calendar: { timeZone: 'UTC', windows: [{ ...BUSINESS, from: '24:00' }] } },
    { calendar: { timeZone: 'UTC', windows: [{ ...BUSINESS, from: '8:00' }] } },
    { calendar: { timeZone: 'UTC', windows: [{ ...BUSINESS, to: '18:60' }] } },
    { calendar: { timeZone: 'UTC', windows: [{ ...BUSINESS, days: ['Monday'] }] } },
  ])('refuse %j', (wrong) => {
    expect(throttleSettings.safeParse(wrong).success).toBe(false);
  });

  it('find what is wrong with a calendar', () => {
    expect(faultOfThrottle(settings('Europe/Berlin', BUSINESS))).toBeNull();
    expect(faultOfThrottle(DEFAULT_THROTTLE)).toBeNull();
    expect(faultOfThrottle(settings('Europe/Nowhere', BUSINESS))).toContain('Europe/Nowhere');
    expect(faultOfThrottle(settings('UTC', { ...BUSINESS, to: '08:00' }))).toContain('no length');
    expect(faultOfThrottle(settings('UTC', { ...BUSINESS, days: ['monday', 'monday'] }))).toContain('twice');
  });
});

describe('the caps of a moment', () => {
  it('are those of the settings without a calendar, and outside of its windows', () => {
    const usual = { networkBytesPerSecond: 37_500_000, storageShare: 0.3, isByCalendar: false };
    expect(capsAt(DEFAULT_THROTTLE, new Date())).toEqual(usual);
    expect(capsAt(settings('UTC', BUSINESS), new Date('2026-03-07T12:00:00Z'))).toEqual(usual);
  });

  it('are those of the first open window; what it leaves out is as usual, and null is unlimited', () => {
    const at = new Date('2026-03-02T12:00:00Z');
    expect(capsAt(settings('UTC', BUSINESS), at)).toEqual({
      networkBytesPerSecond: 5_000_000,
      storageShare: 0.1,
      isByCalendar: true,
    });
    const noon: ThrottleWindow = { days: ['monday'], from: '12:00', to: '13:00', networkBytesPerSecond: null };
    expect(capsAt(settings('UTC', noon, BUSINESS), at)).toEqual({
      networkBytesPerSecond: null,
      storageShare: 0.3,
      isByCalendar: true,
    });
  });

  it('begin at `from` and end at `to`, to the minute', () => {
    const moments = ['07:59:59', '08:00:00', '17:59:59', '18:00:00'].map((time) => `2026-03-02T${time}Z`);
    expect(openAt(settings('UTC', BUSINESS), ...moments)).toEqual([false, true, true, false]);
    const whole = settings('UTC', { ...BUSINESS, days: ['monday'], from: '00:00', to: '24:00' });
    expect(
      openAt(whole, '2026-03-01T23:59:59Z', '2026-03-02T00:00:00Z', '2026-03-02T23:59:59Z', '2026-03-03T00:00:00Z'),
    ).toEqual([false, true, true, false]);
  });

  it('go over midnight, and over the end of the week', () => {
    const night = settings('UTC', { ...BUSINESS, days: ['sunday'], from: '22:00', to: '06:00' });
    expect(
      openAt(
        night,
        '2026-03-01T21:59:00Z',
        '2026-03-01T22:00:00Z',
        '2026-03-02T05:59:00Z',
        '2026-03-02T06:00:00Z',
        '2026-03-02T22:00:00Z',
        '2026-03-01T05:00:00Z',
      ),
    ).toEqual([false, true, true, false, false, false]);
  });

  it('go by the clocks of the time zone, whatever clocks do', () => {
    const berlin = settings('Europe/Berlin', BUSINESS);
    // Winter is UTC+1, summer UTC+2, from 2026-03-29 on.
    expect(openAt(berlin, '2026-03-27T07:00:00Z', '2026-03-27T06:59:59Z')).toEqual([true, false]);
    expect(openAt(berlin, '2026-03-30T06:00:00Z', '2026-03-30T05:59:59Z', '2026-03-30T16:00:00Z')).toEqual([
      true,
      false,
      false,
    ]);
    // The hour from 2 to 3 is shown twice on 2026-10-25, and not at all on 2026-03-29.
    const early = settings('Europe/Berlin', { ...BUSINESS, days: ['sunday'], from: '02:00', to: '03:00' });
    expect(
      openAt(early, '2026-10-24T23:59:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'),
    ).toEqual([false, true, true, false]);
    expect(openAt(early, '2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z')).toEqual([false, false]);
    // Day and hour of a zone far ahead.
    expect(openAt(settings('Pacific/Auckland', BUSINESS), '2026-03-01T20:00:00Z')).toEqual([true]);
  });

  it('are the strictest of all where the time zone is not known', () => {
    const open: ThrottleWindow = { ...BUSINESS, networkBytesPerSecond: null, storageShare: 0.5 };
    expect(capsAt(settings('Mars/Olympus', open, BUSINESS), new Date())).toEqual({
      networkBytesPerSecond: 5_000_000,
      storageShare: 0.1,
      isByCalendar: true,
    });
  });
});
