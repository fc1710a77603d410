import { open } from 'node:fs/promises';
import { decodeApiKeys } from './api-keys.codec.js';
import { ApiKeys } from './api-keys.js';

/** Read, write or execute for others, or write for the group. */
const TOO_OPEN = 0o027;
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads the file of keys.
 * @throws Error when the file is missing, not as it should be, or open to other accounts of the machine
 */
export const readApiKeys = async (path: string): Promise<ApiKeys> => {
  try {
    await using file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if ((mode & TOO_OPEN) !== 0) {
      throw new Error(`others can get at it (mode ${(mode & 0o777).toString(8)}): chmod 600`);
    }
    if (size > MAX_FILE_BYTES) throw new Error('it is too large');
    return new ApiKeys(decodeApiKeys(await file.readFile('utf8')));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`API_KEYS_FILE ${path}: ${reason}`, { cause: error });
  }
};
