import { describe, expect, it } from 'vitest';
import { parseTransferConfig } from './transfer.config.js';

const COMPLETE = {
  EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://landfall@127.0.0.1:5432/landfall',
};

describe('the configuration of the transfer service', () => {
  it('listens for endpoints on loopback unless told otherwise', () => {
    const config = parseTransferConfig(COMPLETE);
    expect(config).toMatchObject({ LINK_HOST: '127.0.0.1', LINK_PORT: 8081, LINK_BEHIND_TLS: 'false' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('may listen on %s', (LINK_HOST) => {
    expect(parseTransferConfig({ ...COMPLETE, LINK_HOST }).LINK_HOST).toBe(LINK_HOST);
  });

  it.each(['0.0.0.0', '::', '192.168.1.7', 'server.example', '127.0.0.1.example', '1127.0.0.1', ''])(
    'refuses to carry credentials in the clear on %j',
    (LINK_HOST) => {
      expect(() => parseTransferConfig({ ...COMPLETE, LINK_HOST })).toThrow(/LINK_HOST: .*LINK_BEHIND_TLS/);
    },
  );

  it('may listen anywhere behind something that ends TLS', () => {
    const config = parseTransferConfig({ ...COMPLETE, LINK_HOST: '0.0.0.0', LINK_BEHIND_TLS: 'true' });
    expect(config.LINK_HOST).toBe('0.0.0.0');
    expect(() => parseTransferConfig({ ...COMPLETE, LINK_HOST: '0.0.0.0', LINK_BEHIND_TLS: 'yes' })).toThrow();
  });

  it('lets endpoints come back for 30 s before it judges, or for as long as it is told', () => {
    expect(parseTransferConfig(COMPLETE).DEADLINE_SETTLE_SECONDS).toBe(30);
    expect(parseTransferConfig({ ...COMPLETE, DEADLINE_SETTLE_SECONDS: '0' }).DEADLINE_SETTLE_SECONDS).toBe(0);
    for (const DEADLINE_SETTLE_SECONDS of ['-1', '1.5', 'soon']) {
      expect(() => parseTransferConfig({ ...COMPLETE, DEADLINE_SETTLE_SECONDS })).toThrow(/DEADLINE_SETTLE_SECONDS/);
    }
  });

  it('tells of a host that is not loopback together with every other fault', () => {
    const broken = { NATS_URL: 'bus', LINK_HOST: '0.0.0.0', LINK_PORT: 'many', LINK_PUBLIC_URL: 'ftp://x' };
    const message = /EVENTSTORE_URL[^]*NATS_URL[^]*DATABASE_URL[^]*LINK_PORT[^]*LINK_PUBLIC_URL[^]*LINK_HOST/;
    expect(() => parseTransferConfig(broken)).toThrow(message);
  });
});
