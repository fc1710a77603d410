import { describe, expect, it } from 'vitest';
import { isLeftover, serverProcessIn } from './leftover-servers.decision.js';

const stat = (name: string, state: string, threads: number): string =>
  `7 (${name}) ${state} 1 7 7 0 -1 4194304 88 0 0 0 1 1 0 0 20 0 ${threads} 0 4711 2482176 200`;
const commandLine = (...given: string[]): string => ['nbdkit', ...given, ''].join('\0');
const OURS = commandLine('--foreground', '--exit-with-parent', 'file', 'file=/images/a.img');
const DISKS = new Set(['/images/a.img']);
const verdict = (statText: string, commandLineText: string): boolean | null => {
  const server = serverProcessIn(7, statText, commandLineText);
  return server && isLeftover(server, server.paths, DISKS);
};

describe('a disk server that was found running', () => {
  it('is a leftover when it was started by a restorer and serves one of the disks', () => {
    expect(verdict(stat('nbdkit', 'S', 17), OURS)).toBe(true);
    expect(verdict(stat('nbdkit', 'D', 17), OURS)).toBe(true);
    expect(verdict(stat('nbdkit', 'T', 17), OURS)).toBe(true);
  });

  it('is left alone when it serves another disk, or was started by somebody else', () => {
    expect(verdict(stat('nbdkit', 'S', 1), OURS.replace('a.img', 'b.img'))).toBe(false);
    expect(verdict(stat('nbdkit', 'S', 1), OURS.replace('--exit-with-parent', '--readonly'))).toBe(false);
  });

  it('is a leftover when it is dying: a thread may still write, and nothing tells to which disk', () => {
    expect(verdict(stat('nbdkit', 'Z', 2), '')).toBe(true);
  });

  it('is nothing when only its remains are there', () => {
    expect(verdict(stat('nbdkit', 'Z', 1), '')).toBeNull();
  });

  it('is none when it is another program, or gone', () => {
    expect(verdict(stat('node', 'S', 11), OURS)).toBeNull();
    expect(verdict('', '')).toBeNull();
  });
});
