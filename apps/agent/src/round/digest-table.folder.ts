import { DigestTableFile, orLaterTableFailure } from '#libs/block-transfer';
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DigestTables, DigestTableStore } from './round.ports.js';

/** Digest tables of this many tasks are kept, the most recent ones; an older task would read and send all again. */
const MAX_TASKS_KEPT = 4;
const FOLDER_MODE = 0o700;
const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}$/;

/** `digests/<taskId>/<diskId>` in the state folder. */
export class DigestTableFolder implements DigestTables {
  constructor(private readonly folder: string) {}

  async prepare(taskId: string): Promise<void> {
    await orLaterTableFailure(`${this.folder} cannot be written`, async () => {
      await mkdir(join(this.folder, taskId), { recursive: true, mode: FOLDER_MODE });
      await this.removeOldest(taskId);
    });
  }

  of(taskId: string, diskId: string): DigestTableStore {
    return new DigestTableFile(join(this.folder, taskId, fileNameOf(diskId)));
  }

  private async removeOldest(currentTaskId: string): Promise<void> {
    const others = (await readdir(this.folder)).filter((name) => name !== currentTaskId);
    const dated = await Promise.all(
      others.map(async (name) => ({ name, changedMs: (await stat(join(this.folder, name))).mtimeMs })),
    );
    const oldest = dated.sort((a, b) => b.changedMs - a.changedMs).slice(MAX_TASKS_KEPT - 1);
    for (const { name } of oldest) await rm(join(this.folder, name), { recursive: true, force: true });
  }
}

/** Disk ids come from hardware and may hold any character: a name that is not plainly one is replaced by its digest. */
export function fileNameOf(diskId: string): string {
  return PLAIN_NAME.test(diskId) ? diskId : `id-${createHash('sha256').update(diskId).digest('hex')}`;
}
