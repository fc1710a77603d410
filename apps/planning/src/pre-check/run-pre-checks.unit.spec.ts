import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { concern as recordedConcern, decision as recordedDecision } from '#libs/contracts';
import { CONCERN_CODES } from './concern.js';
import {
  exampleBlankDisk,
  exampleDisk,
  exampleRequest,
  exampleRequestedDisk,
  GB,
  TB,
  type Departures,
} from './example-request.js';
import { isRefused, PRE_CHECKS, runPreChecks } from './run-pre-checks.js';

/** A request with one concern of each code, and no other of the same check's making. */
const TROUBLES: Readonly<Record<(typeof CONCERN_CODES)[number], Departures>> = {
  'PRECHECK.NO_DISKS': { inventory: { disks: [] } },
  'PRECHECK.DISK_NOT_EXAMINED': { inventory: { disks: [exampleDisk('D1', { examinationError: 'no' })] } },
  'PRECHECK.SOURCE_DISK_WITHOUT_TARGET': { target: { disks: [] } },
  'PRECHECK.TARGET_DISK_WITHOUT_SOURCE': { target: { disks: [exampleRequestedDisk('D9')] } },
  'PRECHECK.TARGET_DISK_TOO_SMALL': { target: { disks: [exampleRequestedDisk('D1', { sizeBytes: GB })] } },
  'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB': {
    target: { disks: [exampleRequestedDisk('D1', { sizeBytes: 17 * TB, allocation: 'dynamic' })] },
  },
  'PRECHECK.ONE_DISK_TO_SEVERAL': { target: { disks: [exampleRequestedDisk(), exampleRequestedDisk()] } },
  'PRECHECK.EXTERNAL_STORAGE': { inventory: { disks: [exampleDisk('D1', { external: true })] } },
  'PRECHECK.EXTERNAL_STORAGE_NOT_MOUNTED': { inventory: { disks: [exampleBlankDisk('D1', { external: true })] } },
  'PRECHECK.RAW_DISK': { inventory: { disks: [exampleBlankDisk()] } },
  'PRECHECK.NETWORK_STORAGE_NOT_MIGRATED': {
    inventory: { networkMounts: [{ source: 'filer:/a', mountPoint: '/a', type: 'nfs' }] },
  },
  'PRECHECK.AUTOMATIC_TARGET_UNSUPPORTED': { site: { version: '6.2.0' } },
  'PRECHECK.TOO_MANY_DISKS': {
    target: { disks: Array.from({ length: 65 }, (_, index) => exampleRequestedDisk(`D${index}`)) },
  },
  'PRECHECK.ARM_TARGET_MEMORY': { architecture: 'aarch64', target: { memoryBytes: GB } },
  'PRECHECK.SOURCE_MEMORY_LOW': { inventory: { memoryFreeBytes: 0 } },
  'PRECHECK.ARCHITECTURE_UNSUPPORTED': { architecture: 'other' },
  'PRECHECK.FIRMWARE_DIFFERS': { target: { firmware: 'uefi' } },
  'PRECHECK.SECTOR_SIZE_DIFFERS': { inventory: { disks: [exampleDisk('D1', { logicalSectorBytes: 4096 })] } },
};

describe('runPreChecks', () => {
  it('finds nothing wrong with a good request', () => {
    expect(runPreChecks(exampleRequest())).toEqual({ concerns: [], decisions: [] });
  });

  it.each(CONCERN_CODES)('raises %s where it belongs, complete with text and remedy', (code) => {
    const input = exampleRequest(TROUBLES[code]);
    const own = PRE_CHECKS[code](input);
    expect(own.map((concern) => concern.code)).toEqual([code]);
    expect(runPreChecks(input).concerns).toEqual(expect.arrayContaining([...own]));
    for (const { title, text, remedy } of own) {
      for (const sentence of [title, text, remedy]) expect(sentence).toMatch(/^\S.{6,}\S$/);
      expect(text).toMatch(/\.$/);
      expect(remedy).toMatch(/\.$/);
      expect(`${text} ${remedy}`).not.toMatch(/undefined|null|NaN|\[object/);
    }
  });

  it('puts the most severe first, and the decisions beside them', () => {
    const input = exampleRequest({
      inventory: { disks: [exampleDisk('D1', { external: true }), exampleBlankDisk('D2')] },
      target: {
        disks: [exampleRequestedDisk('D1', { sizeBytes: 20 * TB, allocation: 'dynamic' }), exampleRequestedDisk('D2')],
      },
    });
    const { concerns, decisions } = runPreChecks(input);
    expect(concerns.map(({ code, severity }) => [severity, code])).toEqual([
      ['critical', 'PRECHECK.RAW_DISK'],
      ['warning', 'PRECHECK.THIN_ALLOCATION_ABOVE_16_TB'],
      ['information', 'PRECHECK.EXTERNAL_STORAGE'],
    ]);
    for (const own of concerns) expect(recordedConcern.parse(own)).toEqual(own);
    for (const { code, text, diskId } of decisions) {
      expect(recordedDecision.parse({ code, text, diskId })).toEqual({ code, text, diskId });
    }
    expect(decisions).toMatchObject([{ diskId: 'D1', requested: 'dynamic', allocation: 'thin' }]);
  });
});

describe('isRefused', () => {
  it('is so for a critical concern, and for no other', () => {
    const raw = { inventory: { disks: [exampleBlankDisk()] } };
    expect(isRefused(runPreChecks(exampleRequest(raw)).concerns)).toBe(true);
    expect(isRefused(runPreChecks(exampleRequest({ ...raw, copyRawDisks: true })).concerns)).toBe(false);
    expect(isRefused(runPreChecks(exampleRequest({ target: { firmware: 'uefi' } })).concerns)).toBe(false);
  });
});

describe('the table of concerns', () => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');

  it('lists every code once, in order, with the severity that it has', () => {
    const rows = [...readme.matchAll(/^\| `(PRECHECK\.\w+)` +\| ([a-z, ]+?) +\|/gm)].map((match) => match.slice(1));
    expect(rows.map(([code]) => code)).toEqual(CONCERN_CODES);
    for (const code of CONCERN_CODES) {
      const listed = rows.find(([own]) => own === code)?.[1]?.split(', ');
      const [concern] = PRE_CHECKS[code](exampleRequest(TROUBLES[code]));
      expect(listed).toContain(concern!.severity);
    }
  });
});
