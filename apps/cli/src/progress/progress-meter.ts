import type { EndpointProgress } from '#libs/contracts';

/** What is known of the work in hand, from the telemetry seen so far. */
export type ProgressMeter = {
  readonly latest: EndpointProgress;
  readonly fraction: number;
  readonly plannedBytes: number;
  readonly processedBytes: number;
  readonly sentBytes: number;
  /** Over the last seconds; null while there is too little to tell. */
  readonly bytesPerSecond: number | null;
  /** As the agent reckons by the caps, the link and the storage; else by the rate. Null while nothing is known. */
  readonly remainingMs: number | null;
  readonly samples: readonly Sample[];
};

type Sample = { readonly atMs: number; readonly processedBytes: number };

/** Long enough to be steady, short enough to tell a stall. */
const WINDOW_MS = 4_000;
const MIN_SPAN_MS = 400;

/** Adds a sample; a new assignment or another activity begins anew. Pure: the time is the sample's own. */
export function observeProgress(meter: ProgressMeter | undefined, progress: EndpointProgress): ProgressMeter {
  const sum = (pick: (disk: EndpointProgress['disks'][number]) => number) =>
    progress.disks.reduce((total, disk) => total + pick(disk), 0);
  const plannedBytes = sum((disk) => disk.plannedBytes);
  const processedBytes = sum((disk) => disk.processedBytes);
  const atMs = Date.parse(progress.at);
  const continued = meter !== undefined && isSameWork(meter.latest, progress) ? meter.samples : [];
  // The target tells less often than the window is long; the sample before always counts.
  const recent = continued.filter((sample) => atMs - sample.atMs <= WINDOW_MS || sample === continued.at(-1));
  const samples = [...recent, { atMs, processedBytes }];
  const bytesPerSecond = rateOver(samples);
  return {
    latest: progress,
    fraction: plannedBytes === 0 ? 0 : Math.min(1, processedBytes / plannedBytes),
    plannedBytes,
    processedBytes,
    sentBytes: sum((disk) => disk.sentBytes),
    bytesPerSecond,
    remainingMs: progress.pace?.remainingMs ?? remainingBy(bytesPerSecond, plannedBytes - processedBytes),
    samples,
  };
}

const isSameWork = (a: EndpointProgress, b: EndpointProgress): boolean =>
  a.assignmentId === b.assignmentId && a.activity === b.activity;

const remainingBy = (bytesPerSecond: number | null, leftBytes: number): number | null =>
  bytesPerSecond === null || bytesPerSecond === 0 ? null : (Math.max(0, leftBytes) / bytesPerSecond) * 1000;

function rateOver(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.atMs - first.atMs < MIN_SPAN_MS) return null;
  return (Math.max(0, last.processedBytes - first.processedBytes) / (last.atMs - first.atMs)) * 1000;
}
