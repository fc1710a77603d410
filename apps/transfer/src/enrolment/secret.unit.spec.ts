import { expect, it } from 'vitest';
import { hashOf, matches, newSecret } from './secret.js';

it('a secret has 256 bits, is never the same, and matches its own hash only', () => {
  const [one, two] = [newSecret(), newSecret()];
  expect(Buffer.from(one, 'base64url')).toHaveLength(32);
  expect(one).not.toBe(two);
  expect(hashOf(one)).toMatch(/^[0-9a-f]{64}$/);
  expect(matches(one, hashOf(one))).toBe(true);
  expect(matches(two, hashOf(one))).toBe(false);
  expect(matches('', hashOf(one))).toBe(false);
});

it('the hash is SHA-256, as it is recorded', () => {
  expect(hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
