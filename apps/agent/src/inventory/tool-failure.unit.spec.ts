import { describe, expect, it } from 'vitest';
import { toolFailure } from './tool-failure.js';

describe('toolFailure', () => {
  it.each([
    ['sfdisk', 'fdisk'],
    ['lsblk', 'util-linux'],
    ['blkid', 'util-linux'],
    ['dumpe2fs', 'e2fsprogs'],
  ] as const)('names the package of a missing %s', (tool, debianPackage) => {
    expect(toolFailure(tool, { message: `spawn ${tool} ENOENT`, code: 'ENOENT' })).toMatchObject({
      code: 'INVENTORY.TOOL_MISSING',
      message: expect.stringContaining(`${tool} is not installed`),
      remedy: `apt-get install ${debianPackage}`,
    });
  });

  it('tells a program that hangs from one that fails', () => {
    expect(toolFailure('blkid', { message: 'Command failed', code: null, killed: true })).toMatchObject({
      code: 'INVENTORY.TOOL_FAILED',
      message: expect.stringContaining('in time'),
    });
    expect(toolFailure('blkid', { message: 'spawn blkid EACCES', code: 'EACCES' }).message).toContain('EACCES');
  });
});
