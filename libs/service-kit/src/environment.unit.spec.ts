import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '#libs/program';
import { serviceEnvironment } from './environment.js';

const COMPLETE = {
  EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://landfall@127.0.0.1:5432/landfall',
};

const faultsOf = (environment: NodeJS.ProcessEnv): string[] => {
  try {
    parseEnvironment(serviceEnvironment, environment);
    return [];
  } catch (error) {
    return [...(error as Error).message.matchAll(/^ {2}(\w+): .+$/gm)].map(([, name]) => name!);
  }
};

describe("a service's environment", () => {
  it('is parsed into a frozen object without what is not asked for', () => {
    const environment = parseEnvironment(serviceEnvironment, { ...COMPLETE, HEALTH_PORT: '8080', HOME: '/root' });
    expect(environment).toEqual({ ...COMPLETE, HEALTH_HOST: '127.0.0.1', HEALTH_PORT: 8080 });
    expect(Object.isFrozen(environment)).toBe(true);
  });

  it('has no health endpoint unless it names a port', () => {
    expect(parseEnvironment(serviceEnvironment, COMPLETE).HEALTH_PORT).toBeUndefined();
    expect(parseEnvironment(serviceEnvironment, { ...COMPLETE, HEALTH_PORT: '0' }).HEALTH_PORT).toBe(0);
  });

  it.each(['esdb://a:1', 'esdb+discover://a', 'kurrentdb://a', 'kurrentdb+discover://a'])('takes %s', (url) => {
    expect(faultsOf({ ...COMPLETE, EVENTSTORE_URL: url })).toEqual([]);
  });

  it('tells every fault at once', () => {
    expect(faultsOf({ EVENTSTORE_URL: 'http://127.0.0.1:2113', NATS_URL: 'nats://bus', HEALTH_PORT: '65536' })).toEqual(
      ['EVENTSTORE_URL', 'DATABASE_URL', 'HEALTH_PORT'],
    );
    expect(faultsOf({})).toEqual(['EVENTSTORE_URL', 'NATS_URL', 'DATABASE_URL']);
  });
});
