import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import type { Gateway } from './gateway.js';
import { ConnectionUnknown } from './gateway.errors.js';

/** What the standalone program writes when it is ready. */
export const standaloneFile = z.object({
  gatewayUrl: z.string(),
  linkUrl: z.string(),
  apiKeyFile: z.string(),
  eventStoreUrl: z.string(),
  natsUrl: z.string(),
  databaseUrl: z.string(),
  logFolder: z.string(),
});
export type StandaloneFile = z.infer<typeof standaloneFile>;

/** Where the standalone program writes it, as long as it runs, unless it was given another folder. */
const STANDALONE_FILES = ['.landfall/standalone.json', '.landfall/standalone/standalone.json'];

export type ConnectionWishes = { readonly url?: string | undefined; readonly keyFile?: string | undefined };

/**
 * Where the gateway is and with which key: by the options, by the environment (`LANDFALL_URL`,
 * `LANDFALL_KEY_FILE`), or by what a standalone program on this machine left below `.landfall`.
 *
 * @param folder the working folder
 * @throws ConnectionUnknown with what to do about it
 */
export async function findGateway(
  wishes: ConnectionWishes,
  environment: NodeJS.ProcessEnv,
  folder: string,
): Promise<Gateway> {
  const found = await Promise.all(STANDALONE_FILES.map((file) => readStandaloneFile(join(folder, file))));
  const standalone = found.find((file) => file !== undefined);
  const url = wishes.url ?? environment['LANDFALL_URL'] ?? standalone?.gatewayUrl;
  if (url === undefined) {
    throw new ConnectionUnknown(
      `No gateway is known: give --url or LANDFALL_URL, or run where ${STANDALONE_FILES.join(' or ')} is`,
    );
  }
  // The key of another gateway must not be sent to this one.
  const ownKeyFile = url === standalone?.gatewayUrl ? standalone.apiKeyFile : undefined;
  const keyFile = wishes.keyFile ?? environment['LANDFALL_KEY_FILE'] ?? ownKeyFile;
  if (keyFile === undefined) {
    throw new ConnectionUnknown('No key is known: give --key-file or LANDFALL_KEY_FILE');
  }
  return { url, key: await readKey(isAbsolute(keyFile) ? keyFile : join(folder, keyFile)) };
}

/** @returns undefined when there is none, or when it is not (yet) complete */
export async function readStandaloneFile(path: string): Promise<StandaloneFile | undefined> {
  try {
    return standaloneFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

async function readKey(path: string): Promise<string> {
  const key = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (key === '') throw new ConnectionUnknown(`There is no key in ${path}`);
  return key;
}
