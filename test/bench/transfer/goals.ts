import { CAP_BYTES_PER_SECOND, MANY_DISKS, reportOf, type CaseResult } from './cases.js';
import { nbdcopyTlsSameServer } from './peers.js';
import type { Spent } from './sender.order.js';
import { spreadOfCopies, wallsOf, type Result } from './series.js';
import { speedRatio, spreadOf, type Spread } from './statistics.js';
import { CLEAR_BLAKE3, CLEAR_NO_DIGEST } from './variants.js';

/** Something that was promised, and what came of it. */
export interface Goal {
  readonly promise: string;
  readonly wanted: string;
  /** Null: nothing was measured, and `remark` says why. */
  readonly measured: Spread | null;
  readonly unit: string;
  readonly isReached: boolean | null;
  readonly remark: string;
}

const MAX_PEAK_MIB = 120;
const MAX_CAPPED_CORE_PERCENT = 6;
const MINUTE_MS = 60_000;
const MIN_WAN_PERCENT = 90;
const MAX_WIRE_PER_DIRTY_BYTE = 1.05;

/** Holds the results against the goals of the data plane. */
export function goalsOf(cases: readonly CaseResult[]): Goal[] {
  const named = (id: string): CaseResult | undefined => cases.find((candidate) => candidate.id === id);
  return [
    ...fullCopyGoals(named('A')),
    atLeast('Half-used disk, map discovery included, against nbdcopy over TLS', 2.2, named('B'), {
      ours: 'BLAKE3, TLS',
      theirs: 'nbdcopy, TLS',
    }),
    atLeast('Half-used disk, map discovery included, against nbdcopy, both in cleartext', 2.2, named('B'), {
      ours: CLEAR_BLAKE3.name,
      theirs: 'nbdcopy',
    }),
    atLeast('Increment with tracking, FLUSH and verification, against rsync', 10, named('C'), {
      ours: 'tracked and verified',
      theirs: 'rsync, delta',
    }),
    wireGoal('tracked and verified', named('C')),
    atLeast('Increment by rescan, against rsync', 1, named('C'), { ours: 'rescan', theirs: 'rsync, delta' }),
    wireGoal('rescan', named('C')),
    ...cappedGoals(named('E')),
    wideAreaGoal(named('D')),
    peakGoal(
      'Peak memory of our program in every case',
      cases.filter(({ id }) => id !== 'F'),
    ),
    peakGoal(`Peak memory with ${MANY_DISKS} disks`, [named('F') ?? []].flat()),
  ];
}

function fullCopyGoals(full: CaseResult | undefined): Goal[] {
  return [
    atLeast('Full copy over TLS with BLAKE3, against nbdcopy over TLS', 1.05, full, {
      ours: 'BLAKE3, TLS',
      theirs: 'nbdcopy, TLS',
    }),
    atLeast('The same, against nbdcopy and the server of a restorer', 1.05, full, {
      ours: 'BLAKE3, TLS',
      theirs: nbdcopyTlsSameServer.name,
    }),
    atLeast('Full copy in cleartext without digests, against nbdcopy', 0.95, full, {
      ours: CLEAR_NO_DIGEST.name,
      theirs: 'nbdcopy',
    }),
    atLeast('Full copy in cleartext without digests, against nbdcopy --flush (we always flush)', 0.95, full, {
      ours: CLEAR_NO_DIGEST.name,
      theirs: 'nbdcopy --flush',
    }),
  ];
}

function atLeast(
  promise: string,
  wanted: number,
  measured: CaseResult | undefined,
  names: { ours: string; theirs: string },
): Goal {
  const ours = measured?.results.find(({ name }) => name.endsWith(names.ours));
  const theirs = measured?.results.find(({ name }) => name === names.theirs);
  const text = `at least ${wanted} x`;
  if (ours === undefined || theirs === undefined) {
    return notMeasured(promise, text, `needs "${ours === undefined ? names.ours : names.theirs}"`);
  }
  const ratio = speedRatio(wallsOf(ours), wallsOf(theirs));
  const remark = `both ends' CPU: ${(cpuOf(theirs) / cpuOf(ours)).toFixed(2)} x`;
  return { promise, wanted: text, measured: ratio, unit: ' x', isReached: ratio.median >= wanted, remark };
}

function cpuOf(result: Result): number {
  return spreadOfCopies(result, (copy) => copy.clientCpuSeconds + copy.serverCpuSeconds).median;
}

function wireGoal(ending: string, measured: CaseResult | undefined): Goal {
  const promise = `Increment, ${ending}: bytes on the wire for a dirty byte`;
  const wanted = `at most ${MAX_WIRE_PER_DIRTY_BYTE}`;
  const ours = measured?.results.find(({ name }) => name.endsWith(ending));
  if (measured === undefined || ours === undefined) return notMeasured(promise, wanted, 'the case was left out');
  const wire = spreadOfCopies(ours, ({ wireBytes }) => wireBytes / measured.usefulBytes);
  return { promise, wanted, measured: wire, unit: '', isReached: wire.median <= MAX_WIRE_PER_DIRTY_BYTE, remark: '' };
}

/** The first minute is also the one in which V8 compiles what the round runs; the last one is what the hours after it cost. */
function cappedGoals(capped: CaseResult | undefined): Goal[] {
  const spent = capped?.results[0]?.copies.map((copy) => reportOf(copy).spent) ?? [];
  return [cappedGoal('first', spent), cappedGoal('last', spent)];
}

function cappedGoal(which: 'first' | 'last', copies: readonly (readonly Spent[])[]): Goal {
  const promise = `Agent at the default cap, ${which} minute: share of one core`;
  const wanted = `under ${MAX_CAPPED_CORE_PERCENT} %`;
  if (copies.length === 0) return notMeasured(promise, wanted, 'the case was left out');
  const minutes = copies.map((spent) => minuteOf(spent, which));
  const share = spreadOf(minutes.map(([from, to]) => (100 * (to.cpuMs - from.cpuMs)) / (to.ms - from.ms)));
  const seconds = minutes[0]?.map(({ ms }) => (ms / 1000).toFixed(0)) ?? [];
  const remark = `from ${seconds.join(' to ')} s after start-up`;
  return { promise, wanted, measured: share, unit: ' %', isReached: share.median < MAX_CAPPED_CORE_PERCENT, remark };
}

/** Beginning and end of a minute of a copy, or of all of one that took less. */
function minuteOf(spent: readonly Spent[], which: 'first' | 'last'): readonly [Spent, Spent] {
  const end = spent.at(-1) ?? { ms: 0, cpuMs: 0 };
  const fromMs = which === 'first' ? 0 : end.ms - MINUTE_MS;
  const from = spent.find(({ ms }) => ms >= fromMs) ?? end;
  return [from, spent.find(({ ms }) => ms >= from.ms + MINUTE_MS) ?? end];
}

function wideAreaGoal(wide: CaseResult | undefined): Goal {
  const promise = 'Wide area network: payload as a share of the cap';
  const wanted = `at least ${MIN_WAN_PERCENT} %`;
  const ours = wide?.results[0];
  if (wide === undefined || ours === undefined) return notMeasured(promise, wanted, 'the case was left out');
  const share = spreadOfCopies(ours, ({ wallMs }) => (100_000 * wide.usefulBytes) / wallMs / CAP_BYTES_PER_SECOND);
  const remark = 'from the start of the program to its exit';
  return { promise, wanted, measured: share, unit: ' %', isReached: share.median >= MIN_WAN_PERCENT, remark };
}

function peakGoal(promise: string, cases: readonly CaseResult[]): Goal {
  const ours = cases.flatMap(({ results }) => results.filter(({ name }: Result) => name.startsWith('landfall')));
  const wanted = `under ${MAX_PEAK_MIB} MiB`;
  if (ours.length === 0) return notMeasured(promise, wanted, 'the case was left out');
  const peaks = spreadOf(ours.flatMap(({ copies }) => copies.map(({ clientPeakMib }) => clientPeakMib)));
  return {
    promise,
    wanted,
    measured: peaks,
    unit: ' MiB',
    isReached: peaks.max < MAX_PEAK_MIB,
    remark: 'the greatest counts',
  };
}

function notMeasured(promise: string, wanted: string, remark: string): Goal {
  return { promise, wanted, measured: null, unit: '', isReached: null, remark };
}
