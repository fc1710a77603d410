import { describe, expect, it } from 'vitest';
import { isDirtyByUse } from './ntfs-free-extents.js';

describe('isDirtyByUse', () => {
  const mount = { type: 'ntfs3', readOnly: false, options: ['rw', 'uid=0', 'iocharset=utf8'] };

  it('holds for what the kernel has in hand for writing', () => {
    expect(isDirtyByUse(mount)).toBe(true);
  });

  it.each([
    ['read-only', { readOnly: true }],
    ['mounted by force, maybe dirty before', { options: [...mount.options, 'force'] }],
    ['mounted by another driver, which takes dirty ones', { type: 'fuseblk' }],
  ])('does not hold for what is %s', (_name, changes) => {
    expect(isDirtyByUse({ ...mount, ...changes })).toBe(false);
  });
});
