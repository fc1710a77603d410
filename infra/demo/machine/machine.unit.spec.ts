import { describe, expect, it } from 'vitest';
import { mountPointsIn } from './mount-point.js';
import { identityIn } from './process-identity.js';
import { WaitedInVain, waitFor } from './wait-for.js';

describe('mount points in mountinfo', () => {
  const mountInfo = [
    '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '40 22 7:1 / /tmp/run/source rw,noatime shared:1 - ext4 /dev/loop0p1 rw',
    '41 40 7:2 / /tmp/run/source/inner rw - tmpfs none rw',
    '42 22 7:3 / /tmp/run\\040other rw - ext4 /dev/loop1p1 rw',
    '43 22 7:3 / /tmp/runner rw - ext4 /dev/loop1p1 rw',
    '',
  ].join('\n');

  it('are those in a folder, deepest first', () => {
    expect(mountPointsIn(mountInfo, '/tmp/run')).toEqual(['/tmp/run/source/inner', '/tmp/run/source']);
    expect(mountPointsIn(mountInfo, '/tmp/run other')).toEqual(['/tmp/run other']);
    expect(mountPointsIn(mountInfo, '/tmp/runn')).toEqual([]);
  });
});

describe('the identity of a process', () => {
  const stat = (name: string, state: string) =>
    `42 (${name}) ${state} ${Array.from({ length: 18 }, (_, at) => at + 4).join(' ')} 987654 0`;

  it('is its id and its start, whatever the program is called', () => {
    expect(identityIn(42, stat('node', 'S'))).toEqual({ pid: 42, startedAtTicks: '987654' });
    expect(identityIn(42, stat('a) Z (b', 'R'))).toEqual({ pid: 42, startedAtTicks: '987654' });
  });

  it('is none of a process that has ended', () => {
    expect(identityIn(42, stat('node', 'Z'))).toBeUndefined();
  });
});

describe('waiting for a fact', () => {
  it('asks until there is an answer, up to a bound, or until it is called off', async () => {
    let asked = 0;
    const thirdTime = async () => ((asked += 1) < 3 ? undefined : 'answer');
    expect(await waitFor('it', thirdTime, { boundMs: 1_000, pollMs: 1 })).toBe('answer');
    const never = async () => undefined;
    await expect(waitFor('it', never, { boundMs: 5, pollMs: 1 })).rejects.toThrow(WaitedInVain);
    const signal = AbortSignal.abort(new Error('called off'));
    await expect(waitFor('it', never, { boundMs: 5, signal })).rejects.toThrow('called off');
  });
});
