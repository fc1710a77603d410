import type { EndpointProgress } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { percentInWords, renderProgressBar } from '../terminal/progress-bar.js';
import { durationInWords, rateInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { shownWidth, withoutControlCharacters } from '../terminal/table.js';
import type { ProgressMeter } from './progress-meter.js';

const ACTIVITIES: Readonly<Record<EndpointProgress['activity'], string>> = {
  mapping: 'mapping blocks',
  transferring: 'transferring',
  flushing: 'flushing',
  digesting: 'computing digests',
};
const LABEL_WIDTH = 18;
const MIN_BAR_WIDTH = 10;
const MAX_BAR_WIDTH = 40;
/** Blanks around the bar, and a column that stays free: a full line would wrap on some terminals. */
const GAPS = 4;

/** A line for the whole, and one for each disk where there are several; their bars are of one width. */
export function renderProgress(meter: ProgressMeter, columns: number, paint: Paint): readonly string[] {
  const { disks } = meter.latest;
  const lines = [wholeLine(meter), ...(disks.length < 2 ? [] : disks.map(diskLine))];
  const room = columns - LABEL_WIDTH - Math.max(...lines.map(({ tail }) => shownWidth(tail))) - GAPS;
  const width = Math.min(MAX_BAR_WIDTH, Math.max(MIN_BAR_WIDTH, room));
  return lines.map(({ label, fraction, tail }) => {
    const shownLabel = label.length > LABEL_WIDTH ? `${label.slice(0, LABEL_WIDTH - 1)}…` : label.padEnd(LABEL_WIDTH);
    return `${shownLabel}  ${renderProgressBar(fraction, width, paint)} ${tail}`;
  });
}

type Line = { readonly label: string; readonly fraction: number; readonly tail: string };

function wholeLine(meter: ProgressMeter): Line {
  const { activity } = meter.latest;
  const facts = [
    `${sizeInWords(meter.processedBytes)} of ${sizeInWords(meter.plannedBytes)}`,
    activity === 'digesting' ? undefined : `${sizeInWords(meter.sentBytes)} sent`,
    meter.bytesPerSecond === null ? undefined : rateInWords(meter.bytesPerSecond),
    meter.remainingMs === null ? undefined : `ETA ${durationInWords(meter.remainingMs)}`,
  ];
  const tail = [percentInWords(meter.fraction), ...facts.filter((fact) => fact !== undefined)].join('  ');
  return { label: ACTIVITIES[activity], fraction: meter.fraction, tail };
}

function diskLine({ diskId, plannedBytes, processedBytes }: EndpointProgress['disks'][number]): Line {
  const fraction = plannedBytes === 0 ? 0 : processedBytes / plannedBytes;
  const tail = `${percentInWords(fraction)}  ${sizeInWords(processedBytes)} of ${sizeInWords(plannedBytes)}`;
  return { label: `  ${withoutControlCharacters(diskId)}`, fraction, tail };
}
