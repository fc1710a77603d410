import { access, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { PermanentError } from '#libs/eventsourcing';

const vmState = z.object({
  targetVmId: z.uuid(),
  name: z.string(),
  boot: z.enum(['restore-environment', 'disk']),
  /** The restorer process; null while none was started, or while the machine runs from its disk. */
  restorer: z.object({ pid: z.number().int().positive(), startedAtTicks: z.string() }).nullable(),
});
export type VmState = z.infer<typeof vmState>;

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Where one target VM of the local-process driver lives. `vm.json` says that the folder is the driver's: it is written
 * before anything else and deleted after everything else. A folder without it is somebody else's.
 */
export class VmFolder {
  readonly path: string;

  /** @throws PermanentError for an id that is none: it would name another folder */
  constructor(
    root: string,
    private readonly targetVmId: string,
  ) {
    if (!z.uuid().safeParse(targetVmId).success) throw new PermanentError(`${targetVmId} is no id of a target VM`);
    this.path = join(root, targetVmId);
  }

  diskPath(diskId: string): string {
    return join(this.disks, `${encodeURIComponent(diskId)}.img`);
  }

  get restorerConfig(): string {
    return join(this.path, 'restorer.json');
  }

  get restorerState(): string {
    return join(this.path, 'restorer');
  }

  /** The restorer has enrolled: it keeps its credential there. */
  async hasCredential(): Promise<boolean> {
    return access(join(this.restorerState, 'credential.json')).then(
      () => true,
      () => false,
    );
  }

  /**
   * Makes what is missing of the folder.
   * @throws PermanentError when somebody else's things are in its place
   */
  async make(name: string): Promise<VmState> {
    await mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
    let state = await this.read();
    if (state === null) {
      const others = (await readdir(this.path)).filter((file) => !isDraft(file));
      if (others.length > 0) throw new PermanentError(`${this.path} is not this driver's; it is left as it is`);
      state = { targetVmId: this.targetVmId, name, boot: 'restore-environment', restorer: null };
      await this.write(state);
    }
    for (const folder of [this.disks, this.restorerState]) await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    return state;
  }

  /**
   * @returns null when there is no such machine
   * @throws PermanentError when its file makes no sense
   */
  async read(): Promise<VmState | null> {
    let text: string;
    try {
      text = await readFile(this.stateFile, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    try {
      return vmState.parse(JSON.parse(text));
    } catch (error) {
      throw new PermanentError(`${this.stateFile} makes no sense; put it right or take the folder away`, {
        cause: error,
      });
    }
  }

  async write(state: VmState): Promise<void> {
    await this.writeFile(this.stateFile, state);
  }

  /** Readable by the owner only: it holds the enrolment token. */
  async writeRestorerConfig(config: unknown): Promise<void> {
    await this.writeFile(this.restorerConfig, config);
  }

  /** Deletes what the driver made, disks first; what else may be in the folder stays. May be called again after a crash. */
  async remove(): Promise<void> {
    for (const made of [this.disks, this.restorerState]) await rm(made, { recursive: true, force: true });
    const files = await readdir(this.path);
    for (const file of files.filter(isDraft)) await rm(join(this.path, file), { force: true });
    for (const file of [this.restorerConfig, this.stateFile]) await rm(file, { force: true });
    await this.removeEmpty();
  }

  /** What a crash left of a folder in the making or in its removal. */
  async removeEmpty(): Promise<void> {
    await rmdir(this.path).catch((error: unknown) => {
      if (!isMissing(error) && codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'ENOTDIR') throw error;
    });
  }

  private get disks(): string {
    return join(this.path, 'disks');
  }

  private get stateFile(): string {
    return join(this.path, 'vm.json');
  }

  private async writeFile(path: string, content: unknown): Promise<void> {
    const draft = `${path}.${process.pid}.new`;
    const file = await open(draft, 'w', FILE_MODE);
    try {
      await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  }
}

/** A file that a crash left before it got its name. */
const isDraft = (file: string): boolean => /^(vm|restorer)\.json\.\d+\.new$/.test(file);

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
