/** A version of the HCI: three numbers and a revision, `6.0.0 R5`. A release without a revision has revision 0. */
export interface HciVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly revision: number;
}

const VERSION = new RegExp(
  [
    '^(?:(?:HCI|SCP)[ _-]?)?v?', // the product's name may stand before it
    '(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})',
    '(?:[ ._-]?R(\\d{1,4}))?', // the revision, in the spellings that are in use
    '(?: (?:B-|Build)\\S*)?$', // and the build after it
  ].join(''),
  'i',
);

/**
 * Reads a version as platforms spell it: `6.0.0 R5`, `6.0.0R5`, `6.0.0_R5`, `6.7.0.R1`, `HCI 6.11.1`,
 * `SCP6.7.33 B-2022`. Null for anything else: what is not understood must not open a gate.
 */
export function parseHciVersion(text: string): HciVersion | null {
  const match = VERSION.exec(text.trim());
  if (match === null) return null;
  const [, major, minor, patch, revision] = match;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), revision: Number(revision ?? 0) };
}

/** Negative when `a` came before `b`. Order of release numbers only: features do not follow it, see R14. */
export function compareHciVersions(a: HciVersion, b: HciVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || a.revision - b.revision;
}

const FIRST_WITH_AUTOMATIC_TARGET: HciVersion = { major: 6, minor: 3, patch: 0, revision: 0 };
const FIRST_WITH_64_DISKS: HciVersion = { major: 6, minor: 11, patch: 1, revision: 0 };
const AUTOMATIC_TARGET_REVISION_OF_6_0_0 = 5;

/** R14: 6.0.0 from its revision 5, and 6.3.0 and later; 6.0.1 to 6.2 do not have it. */
export function createsTargets(version: HciVersion): boolean {
  const isReleaseSixZeroZero = version.major === 6 && version.minor === 0 && version.patch === 0;
  if (isReleaseSixZeroZero) return version.revision >= AUTOMATIC_TARGET_REVISION_OF_6_0_0;
  return compareHciVersions(version, FIRST_WITH_AUTOMATIC_TARGET) >= 0;
}

/** R15: disks per VM. */
export function disksPerVm(version: HciVersion): number {
  return compareHciVersions(version, FIRST_WITH_64_DISKS) >= 0 ? 64 : 16;
}
