import { writeFileAtomically } from '#libs/endpoint-link';
import { createHash } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * The group digests of each disk, of the last verification, in the state folder: they outlive the restorer's process, as
 * the round that asks for them may begin after it was restarted. What an older verification left does no harm: it only
 * says where to look.
 */
export class GroupDigestFiles {
  readonly #folder: string;

  constructor(
    stateFolder: string,
    private readonly log: (level: 'warn', message: string) => void,
  ) {
    this.#folder = join(stateFolder, 'group-digests');
  }

  /** Never rejects: without them a difference is found all the same, and only its place is not. */
  async keep(diskId: string, digests: Uint8Array): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
      await writeFileAtomically(this.#fileOf(diskId), digests, FILE_MODE);
    } catch (error) {
      this.log('warn', `The group digests of ${diskId} could not be kept: ${String(error)}`);
    }
  }

  /** @returns null when there are none */
  async pathOf(diskId: string): Promise<string | null> {
    const path = this.#fileOf(diskId);
    return access(path).then(
      () => path,
      () => null,
    );
  }

  /** Disk ids come from hardware and may hold any character. */
  #fileOf(diskId: string): string {
    return join(this.#folder, createHash('sha256').update(diskId).digest('hex'));
  }
}
