import { describe, expect, it } from 'vitest';
import { exampleRequest, GB } from '../example-request.js';
import { sourceMemoryLow } from './source-memory-low.check.js';

const concernsFor = (memoryFreeBytes: number) => sourceMemoryLow(exampleRequest({ inventory: { memoryFreeBytes } }));

describe('free memory on the source', () => {
  it('is recommended to be 1 GB, which is 10^9 bytes', () => {
    expect(concernsFor(GB - 1)).toMatchObject([{ code: 'PRECHECK.SOURCE_MEMORY_LOW', severity: 'warning' }]);
    expect(concernsFor(GB)).toEqual([]);
  });
});
