import { writeFileAtomically } from '#libs/endpoint-link';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** The firmware's. A hypervisor gives each virtual machine another, a copy too; only root may read it. */
const FIRMWARE_UUID_PATH = '/sys/class/dmi/id/product_uuid';
const FILE_MODE = 0o600;

const enrolledMachine = z.object({ firmwareUuid: z.string().nullable() });

/** Null where the firmware has none. */
export async function firmwareUuid(path = FIRMWARE_UUID_PATH): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim().toLowerCase() || null;
}

/** Notes which machine the credential beside it is of. */
export async function noteEnrolledMachine(path: string, uuid: string | null): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify({ firmwareUuid: uuid })}\n`, FILE_MODE);
}

/**
 * Whether a state folder was enrolled on another machine: it travels with the disks, so a clone, a restored backup and
 * the migrated machine itself have it too, and must not speak for their original. A folder without a note, or with one
 * that cannot be read, is of an agent from before there were notes.
 */
export async function isOfAnotherMachine(path: string, uuid: string | null): Promise<boolean> {
  try {
    const noted = enrolledMachine.parse(JSON.parse(await readFile(path, 'utf8')));
    return noted.firmwareUuid !== uuid;
  } catch {
    return false;
  }
}
