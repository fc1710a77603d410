import { describe, expect, it } from 'vitest';
import { openStatistics, othersLatencyBetween, parseDeviceStatistics, usualLatencyOf } from './device-statistics.js';

/** `/sys/class/block/sda/stat` of a 6.x kernel. */
const STAT =
  '   28110     9911  2202348    14055   104521    51023  4811402   418084        0    61084   440172        0        0        0        0     5520     8032\n';
const ZERO = { readRequests: 0, readTicksMs: 0, writeRequests: 0, writeTicksMs: 0 };

describe('the statistics of a device', () => {
  it('are read from the line that the kernel writes', () => {
    expect(parseDeviceStatistics(STAT)).toEqual({
      readRequests: 28_110,
      readTicksMs: 14_055,
      writeRequests: 104_521,
      writeTicksMs: 418_084,
    });
    for (const text of ['', '1 2 3', 'a b c d e f g h', '1 2 3 4 5 6 7 -'])
      expect(parseDeviceStatistics(text)).toBeNull();
  });

  it('say what writes take, and reads where most of them are not ours', () => {
    const after = { readRequests: 100, readTicksMs: 300, writeRequests: 10, writeTicksMs: 50 };
    expect(othersLatencyBetween(ZERO, after, 20)).toEqual({ readMs: 3, writeMs: 5 });
    expect(othersLatencyBetween(ZERO, after, 50)).toEqual({ readMs: null, writeMs: 5 });
  });

  it('say nothing from a few requests', () => {
    const few = { readRequests: 4, readTicksMs: 400, writeRequests: 4, writeTicksMs: 400 };
    expect(othersLatencyBetween(ZERO, few, 0)).toEqual({ readMs: null, writeMs: null });
    expect(usualLatencyOf(few)).toEqual({ readMs: null, writeMs: null });
    expect(usualLatencyOf({ ...ZERO, writeRequests: 1000, writeTicksMs: 4000 })).toEqual({ readMs: null, writeMs: 4 });
  });

  it('are none for an image file', async () => {
    const reader = await openStatistics('/etc/hostname');
    expect(await reader.read()).toBeNull();
    expect(reader.leastRequestBytes).toBeGreaterThan(0);
  });
});
