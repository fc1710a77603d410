import { describe, expect, it } from 'vitest';
import { exampleRequest } from '../example-request.js';
import { architectureUnsupported } from './architecture-unsupported.check.js';

describe('the architecture of the source', () => {
  it('must be one that targets have', () => {
    expect(architectureUnsupported(exampleRequest({ architecture: 'other' }))).toMatchObject([
      { code: 'PRECHECK.ARCHITECTURE_UNSUPPORTED', severity: 'critical' },
    ]);
  });

  it.each(['x86_64', 'aarch64'] as const)('may be %s', (architecture) => {
    expect(architectureUnsupported(exampleRequest({ architecture }))).toEqual([]);
  });
});
