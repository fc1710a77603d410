import { describe, expect, it } from 'vitest';
import { exampleRequest } from '../example-request.js';
import { firmwareDiffers } from './firmware-differs.check.js';

type Firmware = 'bios' | 'uefi';
const concernsFor = (source: Firmware | 'unknown', target: Firmware) =>
  firmwareDiffers(exampleRequest({ inventory: { firmware: source }, target: { firmware: target } }));

describe("a target with another firmware than the source's", () => {
  it.each([
    ['bios', 'uefi'],
    ['uefi', 'bios'],
  ] as const)('is worth a warning: %s to %s', (source, target) => {
    expect(concernsFor(source, target)).toMatchObject([
      { code: 'PRECHECK.FIRMWARE_DIFFERS', severity: 'warning', remedy: expect.stringContaining(`"${source}"`) },
    ]);
  });

  it.each([
    ['bios', 'bios'],
    ['uefi', 'uefi'],
    ['unknown', 'uefi'],
  ] as const)('is not seen in %s to %s', (source, target) => {
    expect(concernsFor(source, target)).toEqual([]);
  });
});
