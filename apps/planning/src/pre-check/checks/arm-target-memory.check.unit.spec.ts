import { describe, expect, it } from 'vitest';
import { exampleRequest, GB } from '../example-request.js';
import { armTargetMemory } from './arm-target-memory.check.js';

const concernsFor = (architecture: 'aarch64' | 'x86_64', memoryBytes: number) =>
  armTargetMemory(exampleRequest({ architecture, target: { memoryBytes } }));

describe('the memory of an ARM target', () => {
  it('must be 3 GB, which is 3 x 10^9 bytes', () => {
    expect(concernsFor('aarch64', 3 * GB - 1)).toMatchObject([
      { code: 'PRECHECK.ARM_TARGET_MEMORY', severity: 'critical', text: expect.stringContaining('2999999999 bytes') },
    ]);
    expect(concernsFor('aarch64', 3 * GB)).toEqual([]);
  });

  it('is asked of ARM only', () => {
    expect(concernsFor('x86_64', GB)).toEqual([]);
  });
});
