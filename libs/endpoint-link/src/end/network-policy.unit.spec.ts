import { describe, expect, it } from 'vitest';
import { addressOf, checkServerUrl, ServerUrlError } from './network-policy.js';

describe('checkServerUrl', () => {
  it.each([
    'http://127.0.0.1:8080',
    'http://127.9.9.9',
    'http://localhost:1',
    'http://[::1]:80',
    'https://far.example',
  ])('accepts %s', (url) => {
    expect(checkServerUrl(url, false).host).not.toBe('');
  });

  it.each(['http://far.example', 'ws://10.0.0.1', 'http://127.0.0.1.far.example', 'http://localhost.far.example'])(
    'refuses %s, unless the risk is taken expressly',
    (url) => {
      expect(() => checkServerUrl(url, false)).toThrow(/--insecure-network/);
      expect(checkServerUrl(url, true).host).not.toBe('');
    },
  );

  it.each(['ftp://127.0.0.1', 'server', ''])('refuses %j even then', (url) => {
    expect(() => checkServerUrl(url, true)).toThrow(ServerUrlError);
  });
});

describe('addressOf', () => {
  it('keeps host, port and safety, whatever scheme was written', () => {
    expect(addressOf(new URL('http://localhost:81/x?y#z'), 'ws', '/control').href).toBe('ws://localhost:81/control');
    expect(addressOf(new URL('wss://far.example'), 'http', '/enrol').href).toBe('https://far.example/enrol');
  });
});
