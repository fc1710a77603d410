import { describe, expect, it } from 'vitest';
import { exampleBlankDisk, exampleDisk, exampleFileSystem } from './example-request.js';
import { isExternalAndMounted } from './external-disk.js';

describe('isExternalAndMounted', () => {
  it('holds for a mounted partition and for a mounted disk', () => {
    expect(isExternalAndMounted(exampleDisk('D1', { external: true }))).toBe(true);
    expect(isExternalAndMounted(exampleBlankDisk('D1', { external: true, fileSystem: exampleFileSystem() }))).toBe(
      true,
    );
  });

  it("does not hold for the machine's own disk, nor without a mount", () => {
    expect(isExternalAndMounted(exampleDisk('D1', { external: false }))).toBe(false);
    expect(isExternalAndMounted(exampleBlankDisk('D1', { external: true }))).toBe(false);
    const fileSystem = exampleFileSystem({ mountPoint: null });
    expect(isExternalAndMounted(exampleBlankDisk('D1', { external: true, fileSystem }))).toBe(false);
  });
});
