import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firmwareUuid, isOfAnotherMachine, noteEnrolledMachine } from './enrolled-machine.js';

describe('the machine that a state folder was enrolled on', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-machine-'));
    path = join(folder, 'machine.json');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is told from its copies by the UUID of the firmware', async () => {
    await noteEnrolledMachine(path, 'a');
    expect(await isOfAnotherMachine(path, 'a')).toBe(false);
    expect(await isOfAnotherMachine(path, 'b')).toBe(true);
    expect(await isOfAnotherMachine(path, null)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is another one when it has got a UUID, or lost it', async () => {
    await noteEnrolledMachine(path, null);
    expect(await isOfAnotherMachine(path, null)).toBe(false);
    expect(await isOfAnotherMachine(path, 'b')).toBe(true);
  });

  it('is not known of a folder without a note, or with one that cannot be read', async () => {
    expect(await isOfAnotherMachine(path, 'a')).toBe(false);
    await writeFile(path, '{"firmware');
    expect(await isOfAnotherMachine(path, 'a')).toBe(false);
  });

  it('has the UUID that the kernel shows, in whatever case, or none', async () => {
    await writeFile(join(folder, 'uuid'), 'ABCD-01\n');
    expect(await firmwareUuid(join(folder, 'uuid'))).toBe('abcd-01');
    expect(await firmwareUuid(join(folder, 'none'))).toBeNull();
  });
});
