import { describe, expect, it } from 'vitest';
import type { ResumeWindowCause } from '#libs/contracts';
import { absentEndOf, signOfLife } from './sign-of-life.decision.js';

const NOW = '2026-03-01T10:15:00.000Z';
const SEEN = '2026-03-01T10:10:00.000Z';
const windowOf = (cause: ResumeWindowCause) => ({
  window: { generation: 1, cause, openedAt: '2026-03-01T10:00:00.000Z', deadlineAt: NOW },
});

describe('the end that a window waits for', () => {
  it.each([
    ['agent-away', 'agent'],
    ['restorer-away', 'restorer'],
    ['begin', null],
    ['link-lost', null],
  ] as const)('%s: %s', (cause, end) => {
    expect(absentEndOf(windowOf(cause))).toBe(end);
  });

  it('is none when no window is open', () => {
    expect(absentEndOf({ window: null })).toBeNull();
  });
});

describe('the sign of life of an absent end', () => {
  it.each([
    ['an agent that is back is at work now', 'agent', true, null, NOW],
    ['an agent that is back is at work now, whenever its data was seen', 'agent', true, SEEN, NOW],
    ['an agent that is away was at work when its data was last seen', 'agent', false, SEEN, SEEN],
    ['an agent that is away, and whose data was not seen, gave none', 'agent', false, null, null],
    ['a restorer that is back is at work now', 'restorer', true, null, NOW],
    ['a restorer that is away gave none: what it said before is as old as its absence', 'restorer', false, SEEN, null],
  ] as const)('%s', (_what, end, isConnected, dataSeenAt, seenAt) => {
    expect(signOfLife(end, { isConnected, dataSeenAt, now: NOW })).toBe(seenAt);
  });
});
