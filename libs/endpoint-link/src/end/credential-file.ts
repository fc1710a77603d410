import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { describeFault, parseJson } from '../channel/frame.codec.js';
import { writeFileAtomically } from './write-file-atomically.js';

const endpointCredential = z.object({
  serverUrl: z.string().min(1),
  endpointId: z.uuid(),
  credential: z.string().min(1),
});
/** What an endpoint needs to connect. The credential is a secret. */
export type EndpointCredential = z.infer<typeof endpointCredential>;

/** The file exists but is not a credential. */
export class CredentialFileError extends Error {
  override readonly name = 'CredentialFileError';
}

/** Only the owner may read it. */
const CREDENTIAL_FILE_MODE = 0o600;

/**
 * @returns null when there is no such file
 * @throws {@link CredentialFileError}
 */
export async function readCredential(path: string): Promise<EndpointCredential | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const parsed = endpointCredential.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new CredentialFileError(
      `${path} is not a credential (${describeFault(parsed.error)}); remove it and enrol again.`,
    );
  }
  return parsed.data;
}

/** Replaces the file as a whole; after a crash it is the old one or the new one. Its folder must exist. */
export async function writeCredential(path: string, credential: EndpointCredential): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(credential, null, 2)}\n`, CREDENTIAL_FILE_MODE);
}
