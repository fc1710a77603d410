import { describe, expect, it } from 'vitest';
import type { CaseResult } from './cases.js';
import { goalsOf, type Goal } from './goals.js';
import type { MeasuredCopy } from './measured-copy.js';
import { benchmarkPage } from './report.js';

const copy = (wallMs: number, wireBytes = 1000): MeasuredCopy => ({
  wallMs,
  clientCpuSeconds: 0.5,
  serverCpuSeconds: 0.25,
  clientPeakMib: 80,
  serverPeakMib: 20,
  wireBytes,
  stdout: JSON.stringify({ spent: [] }),
});
/** A copy whose program took this share of a core in each of its seconds. */
const copyAtShares = (percents: readonly number[]): MeasuredCopy => {
  const spent = [{ ms: 0, cpuMs: 0 }];
  for (const percent of percents)
    spent.push({ ms: spent.length * 1000, cpuMs: (spent.at(-1)?.cpuMs ?? 0) + percent * 10 });
  return { ...copy(percents.length * 1000), stdout: JSON.stringify({ spent }) };
};
const seconds = (count: number, percent: number): number[] => Array.from({ length: count }, () => percent);
const caseOf = (id: string, results: CaseResult['results'], usefulBytes = 1000): CaseResult => ({
  id,
  title: `case ${id}`,
  text: '',
  usefulBytes,
  results,
});
const goalNamed = (goals: readonly Goal[], beginning: string): Goal | undefined =>
  goals.find(({ promise }) => promise.startsWith(beginning));

describe('goals of the data plane', () => {
  it('are not called reached when nothing was measured', () => {
    for (const goal of goalsOf([])) expect(goal).toMatchObject({ measured: null, isReached: null });
  });

  it('compare our program with the peer of the same case', () => {
    const full = caseOf('A', [
      { name: 'nbdcopy', copies: [copy(900), copy(900)] },
      { name: 'landfall, no digests', copies: [copy(1000), copy(1000)] },
    ]);
    const goal = goalNamed(goalsOf([full]), 'Full copy in cleartext without digests, against nbdcopy');
    expect(goal).toMatchObject({ measured: { median: 0.9 }, isReached: false });
  });

  it('compare with the same peer by its own server and by ours', () => {
    const full = caseOf('A', [
      { name: 'nbdcopy, TLS', copies: [copy(900)] },
      { name: 'nbdcopy, TLS, a restorer’s server', copies: [copy(800)] },
      { name: 'landfall, BLAKE3, TLS', copies: [copy(1000)] },
    ]);
    const goals = goalsOf([full]);
    expect(goalNamed(goals, 'Full copy over TLS with BLAKE3')).toMatchObject({ measured: { median: 0.9 } });
    expect(goalNamed(goals, 'The same, against')).toMatchObject({ measured: { median: 0.8 } });
  });

  it('count bytes on the wire against the dirty ones', () => {
    const increment = caseOf('C', [{ name: 'landfall, rescan', copies: [copy(10, 1040)] }]);
    const goal = goalNamed(goalsOf([increment]), 'Increment, rescan: bytes on the wire');
    expect(goal).toMatchObject({ measured: { median: 1.04 }, isReached: true });
  });

  it('tell the minute in which a program warms up from the last one', () => {
    const long = copyAtShares([...seconds(60, 7), ...seconds(20, 9), ...seconds(60, 5)]);
    const goals = goalsOf([caseOf('E', [{ name: 'landfall', copies: [long] }])]);
    expect(goalNamed(goals, 'Agent at the default cap, first')).toMatchObject({
      measured: { median: 7 },
      isReached: false,
    });
    expect(goalNamed(goals, 'Agent at the default cap, last')).toMatchObject({
      measured: { median: 5 },
      isReached: true,
    });
  });

  it('take all of a copy that ends within a minute', () => {
    const goals = goalsOf([caseOf('E', [{ name: 'landfall', copies: [copyAtShares([8, 4])] }])]);
    for (const which of ['first', 'last']) {
      const remark = 'from 0 to 2 s after start-up';
      expect(goalNamed(goals, `Agent at the default cap, ${which}`)).toMatchObject({ measured: { median: 6 }, remark });
    }
  });

  it('keep the memory of many disks apart from that of the other cases', () => {
    const heavy: MeasuredCopy = { ...copy(10), clientPeakMib: 121 };
    const goals = goalsOf([
      caseOf('A', [{ name: 'landfall', copies: [copy(10)] }]),
      caseOf('F', [{ name: 'landfall, 64 disks', copies: [heavy] }]),
    ]);
    expect(goalNamed(goals, 'Peak memory of our')).toMatchObject({ measured: { max: 80 }, isReached: true });
    expect(goalNamed(goals, 'Peak memory with 64')).toMatchObject({ measured: { max: 121 }, isReached: false });
  });
});

describe('the page of results', () => {
  it('says which goals are reached and which are not, and warns of a busy machine', () => {
    const cases = [
      caseOf('A', [
        { name: 'nbdcopy', copies: [copy(900)] },
        { name: 'landfall, no digests', copies: [copy(1000)] },
      ]),
    ];
    const page = benchmarkPage({
      facts: {
        date: '2026-01-01',
        cpuModel: 'processor',
        cores: 2,
        memoryGib: 24,
        kernel: '6',
        loadAverage: 9,
        versions: [],
        folder: '/dev/shm',
        folderType: 'tmpfs',
      },
      turns: 1,
      sizeMib: 64,
      cases,
      goals: goalsOf(cases),
      skipped: ['skipped: qemu-img convert (not installed: qemu-img)'],
    });
    expect(page).toContain('| at least 0.95 x | 0.90 x | **no** |');
    expect(page).toContain('| at least 1.05 x |  | not measured |');
    expect(page).toContain('other programs were at work');
    expect(page).toContain('qemu-img convert (not installed: qemu-img)');
    expect(page).toContain('| landfall, no digests | 1.00 [1.00-1.00] | 0 | 0.50 + 0.25 | 80 / 20 | 0.0 |');
  });
});
