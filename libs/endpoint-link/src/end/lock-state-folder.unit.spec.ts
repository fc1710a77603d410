import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockStateFolder, StateFolderInUseError } from './lock-state-folder.js';

describe('lockStateFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-lock-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('lets one in at a time, by whatever name the folder goes', async () => {
    const alias = join(folder, 'alias');
    await symlink(folder, alias);
    const release = await lockStateFolder(folder);
    await expect(lockStateFolder(alias)).rejects.toBeInstanceOf(StateFolderInUseError);
    await release();
    const releaseAgain = await lockStateFolder(alias);
    await releaseAgain();
  });
});
