import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const vmState = z.object({
  targetVmId: z.uuid(),
  name: z.string(),
  boot: z.enum(['restore-environment', 'disk']),
  /** The restorer process; null while the machine is off or runs from its disk. */
  restorer: z.object({ pid: z.number().int().positive(), startedAtTicks: z.string() }).nullable(),
});
export type VmState = z.infer<typeof vmState>;

/** Where one target VM of the local-process driver lives. */
export class VmFolder {
  readonly path: string;

  constructor(root: string, targetVmId: string) {
    this.path = join(root, targetVmId);
  }

  diskPath(diskId: string): string {
    return join(this.path, 'disks', `${encodeURIComponent(diskId)}.img`);
  }

  get restorerConfig(): string {
    return join(this.path, 'restorer.json');
  }

  get restorerState(): string {
    return join(this.path, 'restorer');
  }

  /** Written by the restorer once it has enrolled. */
  get restorerCredential(): string {
    return join(this.restorerState, 'credential.json');
  }

  async make(): Promise<void> {
    await mkdir(join(this.path, 'disks'), { recursive: true, mode: 0o700 });
    await mkdir(this.restorerState, { recursive: true, mode: 0o700 });
  }

  async read(): Promise<VmState | null> {
    try {
      return vmState.parse(JSON.parse(await readFile(join(this.path, 'vm.json'), 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async write(state: VmState): Promise<void> {
    await this.writeFile(join(this.path, 'vm.json'), state);
  }

  /** Readable by the owner only: it holds the enrolment token. */
  async writeRestorerConfig(config: unknown): Promise<void> {
    await this.writeFile(this.restorerConfig, config);
  }

  private async writeFile(path: string, content: unknown): Promise<void> {
    const draft = `${path}.${process.pid}.new`;
    await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, path);
  }
}
