import { bytes } from '#libs/contracts';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** As many disks as a VM can have. */
const MAX_DISKS = 64;

const targetDisk = z.strictObject({
  diskId: z.string().min(1).max(200),
  /** A disk image; created, sparse, when it is missing. */
  path: z.string().startsWith('/'),
  sizeBytes: bytes.positive(),
});
export type TargetDisk = z.infer<typeof targetDisk>;

export const restorerConfig = z
  .strictObject({
    serverUrl: z.string().min(1),
    /** One-time token; used only while the state folder holds no credential. */
    token: z.string().min(1),
    name: z.string().min(1).max(255),
    stateFolder: z.string().startsWith('/'),
    /** Address at which the disks are served; the source has to reach it. */
    listenHost: z.string().min(1),
    disks: z.array(targetDisk).min(1).max(MAX_DISKS),
    /** Allows plain HTTP to another machine, and serving one in the clear whose agent has no certificate. */
    insecureNetwork: z.boolean().default(false),
  })
  .refine(({ disks }) => new Set(disks.map((disk) => disk.diskId)).size === disks.length, 'a disk id occurs twice')
  .refine(({ disks }) => new Set(disks.map((disk) => disk.path)).size === disks.length, 'a path occurs twice');
export type RestorerConfig = z.infer<typeof restorerConfig>;

/** The configuration cannot be used; the message names every fault. */
export class RestorerConfigError extends Error {
  override readonly name = 'RestorerConfigError';
}

/** @throws {@link RestorerConfigError} */
export async function readRestorerConfig(path: string): Promise<RestorerConfig> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new RestorerConfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = restorerConfig.safeParse(json);
  if (!parsed.success) throw new RestorerConfigError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
