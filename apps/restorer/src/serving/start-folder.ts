import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** It holds private keys while servers start. */
const START_FOLDER_MODE = 0o700;

/**
 * Where disk servers find their keys while they start; empty at any other time. A restorer that is killed at that moment
 * leaves a key behind, which opens nothing once its server is gone, and which the next one takes away.
 */
export class StartFolder {
  readonly path: string;

  constructor(stateFolder: string) {
    this.path = join(stateFolder, 'starting');
  }

  /** To be called while no server is being started, here or by a process before this one. */
  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await mkdir(this.path, { recursive: true, mode: START_FOLDER_MODE });
  }
}
