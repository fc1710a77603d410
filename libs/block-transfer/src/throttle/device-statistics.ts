import { readFile, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { OthersLatency } from './giving-way.js';

/** Sums since the machine was started. Ticks: milliseconds, summed over the requests. */
export interface DeviceStatistics {
  readonly readRequests: number;
  readonly readTicksMs: number;
  readonly writeRequests: number;
  readonly writeTicksMs: number;
}

/** So few requests say nothing about latency. */
const MIN_REQUESTS = 5;
/** So many requests since the start tell what is usual. */
const MIN_USUAL_REQUESTS = 200;
/** The least that a segment of a request holds. */
const PAGE_BYTES = 4096;
/** For a device that does not say how it splits requests. */
const DEFAULT_REQUEST_BYTES = 64 * 1024;

/** @param text of `/sys/class/block/<name>/stat`, by the kernel's Documentation/block/stat.rst. @returns null when it is none */
export const parseDeviceStatistics = (text: string): DeviceStatistics | null => {
  const fields = text.trim().split(/\s+/).map(Number);
  const [readRequests, , , readTicksMs, writeRequests, , , writeTicksMs] = fields;
  const known = [readRequests, readTicksMs, writeRequests, writeTicksMs];
  if (!known.every((field): field is number => Number.isSafeInteger(field))) return null;
  const [reads, readMs, writes, writeMs] = known;
  if (reads === undefined || readMs === undefined || writes === undefined || writeMs === undefined) return null;
  return { readRequests: reads, readTicksMs: readMs, writeRequests: writes, writeTicksMs: writeMs };
};

const meanOf = (ticksMs: number, requests: number, least: number): number | null =>
  requests < least ? null : ticksMs / requests;

/**
 * Latency of the requests that are not ours. All writes are others'. Reads cannot be told apart: they count when at
 * least half of them are others', so that the mean is theirs rather than ours.
 * @param ownRequests reads of ours that ended between the two, as the device counts them
 */
export const othersLatencyBetween = (
  before: DeviceStatistics,
  after: DeviceStatistics,
  ownRequests: number,
): OthersLatency => {
  const reads = after.readRequests - before.readRequests;
  const writes = after.writeRequests - before.writeRequests;
  const areOthers = reads - ownRequests > reads / 2;
  return {
    readMs: areOthers ? meanOf(after.readTicksMs - before.readTicksMs, reads, MIN_REQUESTS) : null,
    writeMs: meanOf(after.writeTicksMs - before.writeTicksMs, writes, MIN_REQUESTS),
  };
};

/** What a device's latency was so far; null where it has not done enough. */
export const usualLatencyOf = (statistics: DeviceStatistics): OthersLatency => ({
  readMs: meanOf(statistics.readTicksMs, statistics.readRequests, MIN_USUAL_REQUESTS),
  writeMs: meanOf(statistics.writeTicksMs, statistics.writeRequests, MIN_USUAL_REQUESTS),
});

/** One device's statistics; null where there are none, such as for an image file. */
export interface StatisticsReader {
  /** A larger read may be split into requests as small as this, each of which the device counts. */
  readonly leastRequestBytes: number;
  read(): Promise<DeviceStatistics | null>;
}

/** @param device path of a block device, or of anything else, which has no statistics */
export const openStatistics = async (device: string): Promise<StatisticsReader> => {
  const folder = `/sys/class/block/${basename(await realpath(device).catch(() => device))}`;
  const text = (name: string): Promise<string> => readFile(`${folder}/${name}`, 'utf8').catch(() => '');
  const [kib, segments] = await Promise.all([text('queue/max_sectors_kb'), text('queue/max_segments')]);
  const leastBytes = Math.min(Number(kib.trim()) * 1024, Number(segments.trim()) * PAGE_BYTES);
  return {
    leastRequestBytes: Number.isSafeInteger(leastBytes) && leastBytes > 0 ? leastBytes : DEFAULT_REQUEST_BYTES,
    read: async () => parseDeviceStatistics(await text('stat')),
  };
};
