import { describe, expect, it } from 'vitest';
import { DEFAULT_THROTTLE } from '#libs/contracts';
import { wishFrom } from '../migration-tasks/task-create.command.js';
import { scheduleFrom } from './schedule.command.js';

describe('a schedule from options', () => {
  it('is an interval, a cron expression, none, or not said', () => {
    expect(scheduleFrom({ every: 60, timeZone: 'UTC' })).toEqual({ kind: 'interval', everySeconds: 60 });
    expect(scheduleFrom({ cron: '0 2 * * *', timeZone: 'Europe/Berlin' })).toEqual({
      kind: 'cron',
      expression: '0 2 * * *',
      timeZone: 'Europe/Berlin',
    });
    expect(scheduleFrom({ every: 60, catchUp: 'skip', timeZone: 'UTC' })).toEqual({
      kind: 'interval',
      everySeconds: 60,
      catchUp: 'skip',
    });
    expect(scheduleFrom({ cron: '0 2 * * *', catchUp: 'once', timeZone: 'UTC' })).toMatchObject({ catchUp: 'once' });
    expect(scheduleFrom({ off: true, timeZone: 'UTC' })).toBeNull();
    expect(scheduleFrom({ timeZone: 'UTC' })).toBeUndefined();
  });
});

describe('a migration task from options', () => {
  const needed = { name: 'n', source: 's', site: 't' };

  it('leaves out what was not said', () => {
    expect(wishFrom(needed)).toEqual({ name: 'n', sourceMachineId: 's', siteId: 't' });
  });

  it('has the settings that were said, and none otherwise', () => {
    expect(wishFrom({ ...needed, resumeWindow: 600, failureGrace: 'never' })).toMatchObject({
      settings: { resumeWindowSeconds: 600, failureGraceSeconds: null },
    });
    const all = {
      resumeWindow: 1,
      afterFailure: 'resend-everything',
      retryLimit: 0,
      retryDelay: 2,
      digests: 'sha256',
      cancelGrace: 0,
      failureGrace: 3,
    } as const;
    expect(wishFrom({ ...needed, ...all }).settings).toEqual({
      resumeWindowSeconds: 1,
      afterFailure: 'resend-everything',
      retryLimit: 0,
      retryDelaySeconds: 2,
      digestAlgorithm: 'sha256',
      cancelGraceSeconds: 0,
      failureGraceSeconds: 3,
    });
  });

  it('has the caps that were said, and the defaults of the others', () => {
    expect(wishFrom({ ...needed, network: null }).settings).toEqual({
      throttle: { ...DEFAULT_THROTTLE, networkBytesPerSecond: null },
    });
    expect(wishFrom({ ...needed, storage: 0.5 }).settings).toMatchObject({ throttle: { storageShare: 0.5 } });
  });

  it('has what was said', () => {
    const options = { ...needed, disk: ['sda'], cpus: 2, memory: 4096, firmware: 'bios', copyRawDisks: true } as const;
    expect(wishFrom(options)).toEqual({
      name: 'n',
      sourceMachineId: 's',
      siteId: 't',
      diskIds: ['sda'],
      target: { cpuCount: 2, memoryBytes: 4096, firmware: 'bios' },
      copyRawDisks: true,
    });
  });
});
