import type { CaseResult } from './cases.js';
import type { Goal } from './goals.js';
import type { MachineFacts } from './machine-facts.js';
import { spreadOfCopies, wallsOf, type Result } from './series.js';
import { spreadOf, type Spread } from './statistics.js';

export interface BenchmarkRun {
  readonly facts: MachineFacts;
  readonly turns: number;
  readonly sizeMib: number;
  readonly cases: readonly CaseResult[];
  readonly goals: readonly Goal[];
  readonly skipped: readonly string[];
}

/** The page of results, in Markdown. Pure, so that what it says can be tested. */
export function benchmarkPage(run: BenchmarkRun): string {
  return [
    '# Benchmarks of the data plane',
    '',
    `Written by \`npm run bench:transfer\`. A run of ${run.facts.date}, on the machine below and no other; repeat it to compare.`,
    '',
    ...factsOf(run),
    '',
    '## Against the goals',
    '',
    'Ratios are of medians of one interleaved series; in brackets, the least and the greatest of its turns. The ratio of the',
    'CPU seconds says more than that of the clock while other programs keep the machine busy.',
    '',
    row(['goal', 'wanted', 'measured', 'reached', 'remark']),
    row(['---', '---', '---', '---', '---']),
    ...run.goals.map(goalRow),
    '',
    ...run.cases.flatMap(caseSection),
    ...howItIsMeasured(),
  ].join('\n');
}

function factsOf({ facts, turns, sizeMib, skipped }: BenchmarkRun): string[] {
  return [
    `- ${facts.cpuModel}, ${facts.cores} cores, ${facts.memoryGib.toFixed(0)} GiB, Linux ${facts.kernel}; both ends of every copy share it`,
    `- load average when the run began: ${facts.loadAverage.toFixed(2)}${facts.loadAverage > 0.5 ? ' (other programs were at work: only ratios say something, and they are noisy)' : ''}`,
    `- ${facts.versions.join(', ')}`,
    `- disks of ${sizeMib} MiB in ${facts.folder} (${facts.folderType}); ${turns} turns after one for nothing`,
    ...skipped.map((line) => `- ${line}`),
  ];
}

function goalRow({ promise, wanted, measured, unit, isReached, remark }: Goal): string {
  const reached = isReached === null ? 'not measured' : isReached ? 'yes' : '**no**';
  return row([promise, wanted, measured === null ? '' : ratioText(measured, unit), reached, remark]);
}

function ratioText({ median, min, max }: Spread, unit: string): string {
  const digits = Math.abs(median) >= 20 ? 0 : 2;
  const edges = min === max ? '' : ` [${min.toFixed(digits)}-${max.toFixed(digits)}]`;
  return `${median.toFixed(digits)}${unit}${edges}`;
}

function caseSection({ id, title, text, usefulBytes, results }: CaseResult): string[] {
  return [
    `## ${id}: ${title}`,
    '',
    text,
    '',
    row(['', 'seconds', 'MB/s', 'CPU seconds, source + target', 'peak MiB, source / target', 'MB on the wire']),
    row(['---', '---', '---', '---', '---', '---']),
    ...results.map((result) => copyRow(result, usefulBytes)),
    '',
  ];
}

function copyRow(result: Result, usefulBytes: number): string {
  const wall = spreadOf(wallsOf(result));
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const middle = (value: (copy: Result['copies'][number]) => number): number => spreadOfCopies(result, value).median;
  const cpu = [middle((copy) => copy.clientCpuSeconds), middle((copy) => copy.serverCpuSeconds)];
  const peaks = [middle((copy) => copy.clientPeakMib), middle((copy) => copy.serverPeakMib)];
  return row([
    result.name,
    `${seconds(wall.median)} [${seconds(wall.min)}-${seconds(wall.max)}]`,
    (usefulBytes / wall.median / 1000).toFixed(0),
    cpu.map((value) => value.toFixed(2)).join(' + '),
    peaks.map((value) => value.toFixed(0)).join(' / '),
    (middle((copy) => copy.wireBytes) / 1e6).toFixed(1),
  ]);
}

function howItIsMeasured(): string[] {
  return [
    '## How it is measured',
    '',
    '- Everything runs in a network namespace of its own; its loopback interface counts the bytes on the wire, with headers, for all alike.',
    '- The source is a loop device, which an agent reads with O_DIRECT; its page cache is emptied before every copy. The target is one file that exists in full and is overwritten in place: files that are written for the first time cost a virtual machine several times as much, at random.',
    '- On tmpfs a FLUSH costs nothing. That is wanted: it is the data plane that is measured, not a disk. Our program flushes every 16 MiB in any case, nbdcopy only when asked to.',
    '- Seconds are from the start of the copying program to its exit (for `dd and nc`, to the exit of the receiver); our program is a bundle over `syncDisk`, as the agent is. Every copy has a fresh server.',
    '- To start our program, and to compile what a round runs while it runs, takes 0.3 to 0.4 s once. An agent has that behind it, since it goes on from round to round; here it counts in every case, and for more where disks are smaller.',
    '- nbdcopy, qemu-img, rsync and dd read through the page cache. A hypervisor that takes free memory back would make those that come after a program of ours pay for getting it again, 10 to 70 %; so the page cache is filled for them before it is emptied.',
    '- Ours writes to an nbdkit that is started as a restorer starts it, with 4 threads for each connection and without looking for holes; nbdcopy and qemu-img write to one as it comes, as who uses them would. How nbdcopy does with the server of ours is a row of its own. To look for holes in this target, which has none and lies in memory, costs 20 ms or more for each connection and GiB; a block device or a file on a disk costs next to nothing there.',
    '- Before each copy a sector of every block of the target is changed; after it, all used bytes are compared.',
    '- CPU and memory are what GNU time tells of the program and of the server. What the kernel does in threads of its own, such as the loop device, is in nobody’s figure.',
    '- "No digests" exists in this benchmark only: a bundle in which every block gets the same digest.',
    '',
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
