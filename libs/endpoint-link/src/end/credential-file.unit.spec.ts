import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialFileError, readCredential, writeCredential } from './credential-file.js';

const credential = {
  serverUrl: 'http://127.0.0.1:8080/',
  endpointId: '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001',
  credential: 'secret',
};

describe('the credential file', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-credential-'));
    path = join(folder, 'credential.json');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('reads back what was written, readable by its owner only, with nothing left beside it', async () => {
    await writeFile(`${path}.new`, 'left by a crash', { mode: 0o666 });
    await writeCredential(path, credential);
    expect(await readCredential(path)).toEqual(credential);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['credential.json']);
  });

  it('replaces an earlier one', async () => {
    await writeFile(path, 'old', { mode: 0o644 });
    await writeCredential(path, credential);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readCredential(path)).toEqual(credential);
  });

  it('is null when it does not exist', async () => {
    expect(await readCredential(path)).toBeNull();
  });

  it.each(['', '{}', '{"serverUrl":"x","endpointId":"y","credential":"z"}'])('refuses %j', async (text) => {
    await writeFile(path, text);
    await expect(readCredential(path)).rejects.toBeInstanceOf(CredentialFileError);
  });
});
