import { describe, expect, it } from 'vitest';
import { natsOptions } from './nats-options.js';

describe('options of a NATS connection', () => {
  it('name the server, on the usual port unless the URL says another', () => {
    expect(natsOptions('nats://bus', 'planning')).toMatchObject({ servers: ['bus:4222'], name: 'planning' });
    expect(natsOptions('nats://127.0.0.1:14222', 'x').servers).toEqual(['127.0.0.1:14222']);
    expect(natsOptions('nats://[::1]:14222', 'x').servers).toEqual(['[::1]:14222']);
  });

  it('name every server of a cluster', () => {
    expect(natsOptions('nats://a:1, nats://b, nats://c:3', 'x').servers).toEqual(['a:1', 'b:4222', 'c:3']);
  });

  it('carry user and password, decoded, and neither when the URL has none', () => {
    expect(natsOptions('nats://landfall:p%40ss%2Fword@bus:4222', 'x')).toMatchObject({
      servers: ['bus:4222'],
      user: 'landfall',
      pass: 'p@ss/word',
    });
    expect(natsOptions('nats://bus', 'x')).not.toHaveProperty('user');
    expect(natsOptions('nats://bus', 'x')).not.toHaveProperty('pass');
  });

  it('wait for the first connection and never give up', () => {
    expect(natsOptions('nats://bus', 'x')).toMatchObject({ maxReconnectAttempts: -1, waitOnFirstConnect: true });
  });

  it('refuse what is no URL', () => {
    expect(() => natsOptions('bus', 'x')).toThrow(TypeError);
  });
});
