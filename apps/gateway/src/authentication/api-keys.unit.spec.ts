import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeApiKeys } from './api-keys.codec.js';
import { ApiKeys, apiKeyEntry } from './api-keys.js';
import { readApiKeys } from './read-api-keys.js';

const alice = apiKeyEntry('alice', 'key of alice');
const bob = apiKeyEntry('bob', 'key of bob');

describe('keys', () => {
  it('are known by their digest', () => {
    // printf %s abc | sha256sum
    expect(apiKeyEntry('x', 'abc').sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('tell whose they are, and nothing of others', () => {
    const keys = new ApiKeys([alice, bob]);
    expect(keys.nameOf('key of alice')).toBe('alice');
    expect(keys.nameOf('key of bob')).toBe('bob');
    for (const wrong of ['', 'key of carol', 'key of bo', alice.sha256]) expect(keys.nameOf(wrong)).toBeNull();
  });
});

describe('the file of keys', () => {
  it('lists names and digests', () => {
    expect(decodeApiKeys(JSON.stringify([alice, bob]))).toEqual([alice, bob]);
  });

  it.each([
    ['not JSON', 'alice:secret', /not JSON/],
    ['no list', '{}', /expected array/],
    ['nobody', '[]', /nobody/],
    ['a key in the clear', JSON.stringify([{ name: 'alice', key: 'secret' }]), /sha256/],
    ['a key beside its digest', JSON.stringify([{ ...alice, key: 'secret' }]), /key/],
    ['a digest in capitals', JSON.stringify([{ ...alice, sha256: alice.sha256.toUpperCase() }]), /SHA-256/],
    ['a name that is none', JSON.stringify([{ ...alice, name: 'alice smith' }]), /letters/],
    ['a name twice', JSON.stringify([alice, { ...bob, name: 'alice' }]), /twice/],
  ])('is refused when it has %s', (_what, text, fault) => {
    expect(() => decodeApiKeys(text)).toThrow(fault);
    expect(() => decodeApiKeys(text)).not.toThrow(/secret/);
  });

  describe('on disk', () => {
    let folder: string;
    let path: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'landfall-keys-'));
      path = join(folder, 'api-keys.json');
      await writeFile(path, JSON.stringify([alice]));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each([0o600, 0o400, 0o440, 0o640])('is read with mode %o', async (mode) => {
      await chmod(path, mode);
      expect((await readApiKeys(path)).nameOf('key of alice')).toBe('alice');
    });

    it.each([0o604, 0o644, 0o602, 0o660, 0o777])('is refused with mode %o', async (mode) => {
      await chmod(path, mode);
      await expect(readApiKeys(path)).rejects.toThrow(/API_KEYS_FILE .*others can get at it.*chmod 600/);
    });

    it('is named when it is missing', async () => {
      await expect(readApiKeys(join(folder, 'nothing'))).rejects.toThrow(/API_KEYS_FILE .*nothing: ENOENT/);
    });
  });
});
