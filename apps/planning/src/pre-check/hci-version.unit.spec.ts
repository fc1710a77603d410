import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareHciVersions, createsTargets, disksPerVm, parseHciVersion } from './hci-version.js';

const number = fc.integer({ min: 0, max: 30 });
const version = fc.record({ major: number, minor: number, patch: number, revision: number });
const known = (text: string) => {
  const parsed = parseHciVersion(text);
  if (parsed === null) throw new Error(`${text} was not understood`);
  return parsed;
};

describe('parseHciVersion', () => {
  it.each([
    ['6.0.0 R5', 6, 0, 0, 5],
    ['6.0.0R5', 6, 0, 0, 5],
    ['6.0.0_R5', 6, 0, 0, 5],
    ['6.0.0-r5', 6, 0, 0, 5],
    ['6.7.0.R1', 6, 7, 0, 1],
    ['HCI 6.11.1', 6, 11, 1, 0],
    ['SCP6.7.33 B-2022-11', 6, 7, 33, 0],
    ['v6.3.0 Build20240101', 6, 3, 0, 0],
    ['  6.3.0\n', 6, 3, 0, 0],
  ])('understands %j', (text, major, minor, patch, revision) => {
    expect(parseHciVersion(text)).toEqual({ major, minor, patch, revision });
  });

  it.each([
    '',
    'local',
    '6',
    '6.3',
    '6.3.0.1',
    '6.3.0 beta',
    '6.3.x',
    'R5',
    '6.0.0 R',
    '6.3.0 R1 R2',
    '16.3.0.',
    '-6.3.0',
  ])('does not pretend to understand %j', (text) => {
    expect(parseHciVersion(text)).toBeNull();
  });

  it('reads back whatever is written in any of the spellings', () => {
    const spelling = fc.constantFrom(' R', 'R', '_R', '-R', '.R', ' r');
    fc.assert(
      fc.property(version, spelling, fc.constantFrom('', 'HCI ', 'SCP', 'v'), (own, revisionMark, prefix) => {
        const text = `${prefix}${own.major}.${own.minor}.${own.patch}${revisionMark}${own.revision}`;
        expect(parseHciVersion(text)).toEqual(own);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseHciVersion(text);
      }),
    );
  });
});

describe('compareHciVersions', () => {
  it('orders by number, not by text', () => {
    expect(compareHciVersions(known('6.9.0'), known('6.11.0'))).toBeLessThan(0);
    expect(compareHciVersions(known('6.0.0 R10'), known('6.0.0 R9'))).toBeGreaterThan(0);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareHciVersions(a, b))).toBe(0 - Math.sign(compareHciVersions(b, a)));
        expect(compareHciVersions(a, a)).toBe(0);
        const [low, middle, high] = [a, b, c].toSorted(compareHciVersions);
        expect(compareHciVersions(low!, middle!)).toBeLessThanOrEqual(0);
        expect(compareHciVersions(low!, high!)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('createsTargets', () => {
  it.each([
    ['5.8.8', false],
    ['6.0.0', false],
    ['6.0.0 R4', false],
    ['6.0.0 R5', true],
    ['6.0.0 R6', true],
    ['6.0.1', false],
    ['6.0.1 R5', false],
    ['6.1.0', false],
    ['6.1.0 R5', false],
    ['6.2.0', false],
    ['6.2.99 R9', false],
    ['6.3.0', true],
    ['6.9.1', true],
    ['6.11.3', true],
    ['7.0.0', true],
  ])('%s: %s', (text, expected) => {
    expect(createsTargets(known(text))).toBe(expected);
  });

  it('holds for later versions once it holds, except across the gap after 6.0.0', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [earlier, later] = [a, b].toSorted(compareHciVersions);
        const inGap = compareHciVersions(later!, known('6.0.1')) >= 0 && compareHciVersions(later!, known('6.3.0')) < 0;
        if (inGap) expect(createsTargets(later!)).toBe(false);
        else if (createsTargets(earlier!)) expect(createsTargets(later!)).toBe(true);
      }),
    );
  });
});

describe('disksPerVm', () => {
  it.each([
    ['6.0.0 R5', 16],
    ['6.9.0', 16],
    ['6.11.0', 16],
    ['6.11.0 R9', 16],
    ['6.11.1', 64],
    ['6.11.1 R1', 64],
    ['6.12.0', 64],
  ])('%s: %i', (text, expected) => {
    expect(disksPerVm(known(text))).toBe(expected);
  });
});
