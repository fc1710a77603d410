import type { EndpointProgress, LimitingFactor, RoundPace } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { percentInWords, renderProgressBar } from '../terminal/progress-bar.js';
import { durationInWords, rateInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { shownWidth, withoutControlCharacters } from '../terminal/table.js';
import { bitRateInWords, capsInWords, shareInWords } from '../throttle/caps-in-words.js';
import type { ProgressMeter } from './progress-meter.js';

const ACTIVITIES: Readonly<Record<EndpointProgress['activity'], string>> = {
  mapping: 'mapping blocks',
  transferring: 'transferring',
  rescanning: 'comparing (RESCAN)',
  flushing: 'flushing',
  'waiting-for-link': 'waiting for link',
  serving: 'target',
  digesting: 'computing digests',
};
const LABEL_WIDTH = 18;
const MIN_BAR_WIDTH = 10;
const MAX_BAR_WIDTH = 40;
/** Blanks around the bar, and a column that stays free: a full line would wrap on some terminals. */
const GAPS = 4;

/**
 * A line for the whole, and one for each disk where there are several; their bars are of one width.
 *
 * @param held why nothing moves: it is shown how far the work came, without a rate
 */
export function renderProgress(meter: ProgressMeter, columns: number, paint: Paint, held?: string): readonly string[] {
  const { activity, disks } = meter.latest;
  if (activity === 'serving' && held === undefined) return [servingLine(meter)];
  const lines = [wholeLine(meter, held), ...(disks.length < 2 ? [] : disks.map(diskLine))];
  const room = columns - LABEL_WIDTH - Math.max(...lines.map(({ tail }) => shownWidth(tail))) - GAPS;
  const width = Math.min(MAX_BAR_WIDTH, Math.max(MIN_BAR_WIDTH, room));
  const bars = lines.map(({ label, fraction, tail }) => {
    const shownLabel = label.length > LABEL_WIDTH ? `${label.slice(0, LABEL_WIDTH - 1)}…` : label.padEnd(LABEL_WIDTH);
    return `${shownLabel}  ${renderProgressBar(fraction, width, paint)} ${tail}`;
  });
  const { pace } = meter.latest;
  return pace === undefined || held !== undefined ? bars : [...bars, paint('quiet', paceInWords(pace))];
}

const FACTORS: Readonly<Record<LimitingFactor, (pace: RoundPace) => string>> = {
  'network-cap': () => 'limited by the network cap',
  link: () => 'limited by the link or the target',
  'storage-cap': () => 'limited by the storage cap',
  'source-latency': ({ storageShare }) =>
    `giving way to the source, which needs its disk${storageShare === null ? '' : ` (below ${shareInWords(storageShare)})`}`,
  storage: () => 'limited by the storage',
};

/** The caps in force, what goes over the network, and what holds the round back. */
function paceInWords(pace: RoundPace): string {
  return [
    `Caps: ${capsInWords(pace)}${pace.isByCalendar ? ' (calendar)' : ''}`,
    `sending ${bitRateInWords(pace.sentBytesPerSecond)}`,
    ...(pace.limitedBy === null ? [] : [FACTORS[pace.limitedBy](pace)]),
  ].join('; ');
}

/** The restore environment sees what comes, not how much will come. */
function servingLine({ processedBytes, bytesPerSecond }: ProgressMeter): string {
  const rate = bytesPerSecond === null ? '' : `  ${rateInWords(bytesPerSecond)}`;
  return `${ACTIVITIES.serving.padEnd(LABEL_WIDTH)}  ${sizeInWords(processedBytes)} received${rate}`;
}

type Line = { readonly label: string; readonly fraction: number; readonly tail: string };

function wholeLine(meter: ProgressMeter, held: string | undefined): Line {
  const { activity } = meter.latest;
  const isMoving = held === undefined && activity !== 'waiting-for-link';
  const { bytesPerSecond, remainingMs } = isMoving ? meter : NOT_MOVING;
  const facts = [
    `${sizeInWords(meter.processedBytes)} of ${sizeInWords(meter.plannedBytes)}`,
    activity === 'digesting' ? undefined : `${sizeInWords(meter.sentBytes)} sent`,
    bytesPerSecond === null ? undefined : rateInWords(bytesPerSecond),
    remainingMs === null ? undefined : `ETA ${durationInWords(remainingMs)}`,
  ];
  const tail = [percentInWords(meter.fraction), ...facts.filter((fact) => fact !== undefined)].join('  ');
  return { label: held ?? ACTIVITIES[activity], fraction: meter.fraction, tail };
}

const NOT_MOVING = { bytesPerSecond: null, remainingMs: null } as const;

function diskLine({ diskId, plannedBytes, processedBytes }: EndpointProgress['disks'][number]): Line {
  const fraction = plannedBytes === 0 ? 0 : processedBytes / plannedBytes;
  const tail = `${percentInWords(fraction)}  ${sizeInWords(processedBytes)} of ${sizeInWords(plannedBytes)}`;
  return { label: `  ${withoutControlCharacters(diskId)}`, fraction, tail };
}
