import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRestorerConfig, RestorerConfigError } from './restorer-config.js';

const CONFIG = {
  serverUrl: 'http://127.0.0.1:1',
  token: 'token',
  name: 'target',
  stateFolder: '/state',
  listenHost: '127.0.0.1',
  disks: [{ diskId: 'a', path: '/a.img', sizeBytes: 1024 }],
};

describe('readRestorerConfig', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-config-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  const read = async (text: string): Promise<unknown> => {
    const path = join(folder, 'config.json');
    await writeFile(path, text);
    return readRestorerConfig(path);
  };

  it('reads a configuration; the network is secure unless said otherwise', async () => {
    expect(await read(JSON.stringify(CONFIG))).toEqual({ ...CONFIG, insecureNetwork: false });
  });

  const [disk] = CONFIG.disks;
  it.each([
    ['no JSON', '{'],
    ['a missing token', JSON.stringify({ ...CONFIG, token: undefined })],
    ['an unknown key', JSON.stringify({ ...CONFIG, tokne: 'x' })],
    ['a relative path', JSON.stringify({ ...CONFIG, disks: [{ ...disk, path: 'a.img' }] })],
    ['an empty disk', JSON.stringify({ ...CONFIG, disks: [{ ...disk, sizeBytes: 0 }] })],
    ['the same disk twice', JSON.stringify({ ...CONFIG, disks: [disk, { ...disk, path: '/b.img' }] })],
    ['the same path twice', JSON.stringify({ ...CONFIG, disks: [disk, { ...disk, diskId: 'b' }] })],
  ])('refuses %s', async (_name, text) => {
    await expect(read(text)).rejects.toBeInstanceOf(RestorerConfigError);
  });

  it('says which file is missing', async () => {
    await expect(readRestorerConfig('/nowhere/config.json')).rejects.toThrow(/\/nowhere\/config\.json.*ENOENT/);
  });
});
