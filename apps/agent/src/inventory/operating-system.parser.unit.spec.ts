import { describe, expect, it } from 'vitest';
import { architectureOf, firmwareOf, parseOsRelease } from './operating-system.parser.js';

describe('parseOsRelease', () => {
  it.each([
    ['NAME="Debian GNU/Linux"\nVERSION_ID="12"\n', 'Debian GNU/Linux', '12'],
    ["NAME='Arch Linux'\nBUILD_ID=rolling", 'Arch Linux', 'rolling'],
    ['NAME=Fedora\nVERSION_ID=41', 'Fedora', '41'],
    ['NAME="A \\"quoted\\" name"', 'A "quoted" name', ''],
    ['', 'Linux', ''],
  ])('of %j', (text, name, version) => {
    expect(parseOsRelease(text)).toEqual({ name, version });
  });
});

describe('architectureOf', () => {
  it.each([
    ['x86_64', 'x86_64'],
    ['aarch64', 'aarch64'],
    ['armv7l', 'other'],
    ['riscv64', 'other'],
  ])('%s is %s', (hardwareName, architecture) => {
    expect(architectureOf(hardwareName)).toBe(architecture);
  });
});

describe('firmwareOf', () => {
  it('is known on x86, and elsewhere only when there is EFI', () => {
    expect(firmwareOf(true, 'x86_64')).toBe('uefi');
    expect(firmwareOf(false, 'x86_64')).toBe('bios');
    expect(firmwareOf(true, 'aarch64')).toBe('uefi');
    expect(firmwareOf(false, 'aarch64')).toBe('unknown');
  });
});
