import { describe, expect, it } from 'vitest';
import { accountForPostgres } from './account.js';
import { decideLeftover } from './leftover.js';
import { decodePidFile, encodePidFile } from './pid-file.codec.js';
import { startTicksOf } from './process-identity.js';

const recorded = { pid: 4711, startTicks: '900', bootId: 'b-1' };

describe('a process that a pid file names', () => {
  it('still runs when id, start and boot are the same', () => {
    expect(decideLeftover(recorded, { ...recorded })).toEqual({ type: 'still-runs', pid: 4711 });
  });

  it.each([
    ['nothing has its id', undefined],
    ['a later process has its id', { ...recorded, startTicks: '901' }],
    ['the machine was started anew', { ...recorded, bootId: 'b-2' }],
    ['another id was looked at', { ...recorded, pid: 4712 }],
  ])('is gone when %s', (_, observed) => {
    expect(decideLeftover(recorded, observed)).toEqual({ type: 'gone' });
  });

  it('is gone when the file is unreadable, whoever runs', () => {
    expect(decideLeftover(undefined, recorded)).toEqual({ type: 'gone' });
  });
});

describe('a pid file', () => {
  it('reads as it was written', () => {
    expect(decodePidFile(encodePidFile(recorded))).toEqual(recorded);
  });

  it.each(['', '{"pid":47', '4711', '{"pid":0,"startTicks":"1","bootId":"b"}', '{"pid":1,"startTicks":"1"}'])(
    'that holds %j names nothing',
    (text) => {
      expect(decodePidFile(text)).toBeUndefined();
    },
  );
});

describe('the start of a process', () => {
  const stat = (state: string) => `42 (a ) (b c) ${state} ${Array.from({ length: 18 }, () => '1').join(' ')} 777 5 6`;

  it('is found behind a program name with spaces and parentheses', () => {
    expect(startTicksOf(stat('S'))).toBe('777');
  });

  it('is not told for one that has ended and not been buried', () => {
    expect(startTicksOf(stat('Z'))).toBeUndefined();
  });
});

describe('the account for PostgreSQL', () => {
  const root = 'root:x:0:0:root:/root:/bin/bash';
  const nobody = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin';

  it('is its own where there is one, else nobody', () => {
    const postgres = 'postgres:x:101:104:PostgreSQL administrator:/var/lib/postgresql:/bin/bash';
    expect(accountForPostgres([root, nobody, postgres].join('\n'))).toEqual({ name: 'postgres', uid: 101, gid: 104 });
    expect(accountForPostgres([root, nobody].join('\n'))?.name).toBe('nobody');
  });

  it('is never one with the rights of root', () => {
    expect(accountForPostgres([root, 'postgres:x:0:0::/:'].join('\n'))).toBeUndefined();
  });
});
