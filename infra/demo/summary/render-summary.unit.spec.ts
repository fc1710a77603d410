import { describe, expect, it } from 'vitest';
import {
  exampleDocument,
  exampleReplication,
  exampleRound,
  exampleTask,
} from '../../../apps/cli/src/gateway/example-documents.js';
import { plainPaint } from '../../../apps/cli/src/terminal/paint.js';
import type { TargetCheck } from '../steps/check-target.js';
import { type Summary, isProven, renderSummary } from './render-summary.js';

const digest = {
  diskId: 'sda',
  diskBytes: 4096,
  digestAlgorithm: 'sha256' as const,
  digestBlockBytes: 65_536,
  rootDigest: 'a'.repeat(64),
};
const verification = { status: 'verified' as const, source: [digest], target: [digest], failure: null };
const check: TargetCheck = {
  imagePath: '/x/sda.img',
  fileSystem: { isClean: true, exitCode: 0, output: '' },
  trees: { isEqual: true, files: 2900, bytes: 512 * 1024 ** 2, differences: [] },
  blocks: { isEqual: true, comparedBytes: 536 * 1024 ** 2, differing: [] },
};
const document = exampleDocument({
  task: exampleTask({ status: 'completed' }),
  replication: exampleReplication({
    rounds: [exampleRound(), exampleRound({ number: 2, roundKind: 'final', endedAt: '2026-03-01T12:00:01.500Z' })],
    verification,
  }),
});
const summary: Summary = { document, check, eventCount: 42, durationMs: 61_000, next: [['REST', 'http://x']] };

describe('the summary', () => {
  it('tells rounds, digests, checks, events, where to look, and the verdict', () => {
    expect(renderSummary(summary, plainPaint).split('\n')).toEqual([
      'ROUND  KIND   TRIGGER     DISK   USED     SENT  SENT/USED  DURATION       RATE',
      '    1  full   itinerary  2 GiB  1 GiB  960 MiB      0.938    10.0 s   96 MiB/s',
      '    2  final  itinerary  2 GiB  1 GiB  960 MiB      0.938     1.5 s  640 MiB/s',
      '',
      'Verification: verified',
      'disk sda: equal',
      `  source  ${'a'.repeat(64)}`,
      `  target  ${'a'.repeat(64)}`,
      '',
      'Independent check',
      'e2fsck -f -n on the target: clean',
      'Trees, mounted read-only: equal (2900 files, 512 MiB, by SHA-256)',
      'Used blocks: identical (536 MiB)',
      '',
      'Events of the task  42',
      'REST                http://x',
      '',
      'The target is identical to the source. 1 min 01 s in all.',
    ]);
  });

  it('claims nothing that did not hold', () => {
    const withCheck = (changes: Partial<TargetCheck>) => ({ document, check: { ...check, ...changes } });
    const differing = [{ offsetBytes: 65_536, lengthBytes: 65_536 }];
    const broken = [
      withCheck({ fileSystem: { isClean: false, exitCode: 4, output: 'Inode 12 has a bad checksum' } }),
      withCheck({ trees: { ...check.trees, isEqual: false, differences: ['a: sha256 aa / bb'] } }),
      withCheck({ blocks: { ...check.blocks, isEqual: false, differing } }),
      { check, document: exampleDocument({ task: exampleTask({ status: 'completed' }) }) },
      { check, document: { ...document, task: exampleTask() } },
    ];
    expect(isProven(summary)).toBe(true);
    for (const one of broken) {
      expect(isProven(one)).toBe(false);
      expect(renderSummary({ ...summary, ...one }, plainPaint)).toContain('NOT proven');
    }
    const text = broken.map((one) => renderSummary({ ...summary, ...one }, plainPaint)).join('\n');
    expect(text).toContain('  Inode 12 has a bad checksum');
    expect(text).toContain('  a: sha256 aa / bb');
    expect(text).toContain('  differs at 65536, 65536 bytes');
  });
});
