import { describe, expect, it } from 'vitest';
import { parseGatewayConfig } from './gateway.config.js';

const enough = { NATS_URL: 'nats://127.0.0.1:4222', API_KEYS_FILE: '/etc/landfall/api-keys.json' };

describe("the gateway's environment", () => {
  it('has defaults that are safe', () => {
    expect(parseGatewayConfig(enough)).toEqual({
      ...enough,
      GATEWAY_HOST: '127.0.0.1',
      GATEWAY_PORT: 8080,
      GATEWAY_BEHIND_TLS: 'false',
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(parseGatewayConfig(enough))).toBe(true);
  });

  it('may ask for any free port', () => {
    expect(parseGatewayConfig({ ...enough, GATEWAY_PORT: '0' }).GATEWAY_PORT).toBe(0);
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'gateway.example', '127.0.0.1.example'])(
    'does not bind to %s without TLS in front',
    (GATEWAY_HOST) => {
      expect(() => parseGatewayConfig({ ...enough, GATEWAY_HOST })).toThrow(/GATEWAY_HOST: .*GATEWAY_BEHIND_TLS=true/);
      expect(parseGatewayConfig({ ...enough, GATEWAY_HOST, GATEWAY_BEHIND_TLS: 'true' }).GATEWAY_HOST).toBe(
        GATEWAY_HOST,
      );
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('binds to %s', (GATEWAY_HOST) => {
    expect(parseGatewayConfig({ ...enough, GATEWAY_HOST }).GATEWAY_HOST).toBe(GATEWAY_HOST);
  });

  it('names every fault at once', () => {
    const faults = {
      GATEWAY_HOST: '0.0.0.0',
      GATEWAY_PORT: '70000',
      NATS_URL: 'http://127.0.0.1',
      GATEWAY_BEHIND_TLS: 'yes',
    };
    const parse = (): unknown => parseGatewayConfig(faults);
    for (const name of [...Object.keys(faults), 'API_KEYS_FILE'])
      expect(parse).toThrow(new RegExp(`^  ${name}: `, 'm'));
  });
});
