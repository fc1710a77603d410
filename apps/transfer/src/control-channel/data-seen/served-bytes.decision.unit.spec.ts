import { describe, expect, it } from 'vitest';
import { hasGrown, servedBytesOf } from './served-bytes.decision.js';

const disk = (processedBytes: number) => ({
  diskId: 'disk',
  diskBytes: 100,
  plannedBytes: 100,
  processedBytes,
  sentBytes: 0,
  acknowledgedBytes: 0,
});
const served = (bytes: number, assignmentId = 'attempt-1') => ({ assignmentId, bytes });

describe('what a restorer says that it has written', () => {
  it('is the sum over the disks', () => {
    const disks = [disk(7), disk(0), disk(5)];
    expect(servedBytesOf({ assignmentId: 'attempt-1', disks })).toEqual(served(12));
    expect(servedBytesOf({ assignmentId: 'attempt-1', disks: [] })).toEqual(served(0));
  });

  it.each([
    ['has grown when it is more than before', served(5), served(6), true],
    ['has not grown when it is the same', served(5), served(5), false],
    ['has not grown when it is less', served(5), served(4), false],
    ['has not grown when it is the first that is heard: it may be old', null, served(5), false],
    ['has not grown when another attempt counts from its own beginning', served(5), served(9, 'attempt-2'), false],
  ])('%s', (_what, before, now, isGrown) => {
    expect(hasGrown(before, now)).toBe(isGrown);
  });
});
