import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Both files are readable by their owner only: the key itself, and the gateway's list of hashed keys. */
export interface OperatorKeyFiles {
  readonly keyFile: string;
  readonly apiKeysFile: string;
}

const KEY_BYTES = 32;
const OWNER_ONLY = { mode: 0o600 };

/** The operator's API key of this installation; made at the first start and kept. */
export const ensureOperatorKey = async (folder: string): Promise<OperatorKeyFiles> => {
  const files = { keyFile: join(folder, 'operator.key'), apiKeysFile: join(folder, 'api-keys.json') };
  const existing = await readFile(files.keyFile, 'utf8').catch(() => null);
  const key = existing?.trim() ?? randomBytes(KEY_BYTES).toString('base64url');
  if (existing === null) await writeFile(files.keyFile, `${key}\n`, OWNER_ONLY);
  const sha256 = createHash('sha256').update(key).digest('hex');
  await writeFile(files.apiKeysFile, `${JSON.stringify([{ name: 'local-operator', sha256 }])}\n`, OWNER_ONLY);
  return files;
};
