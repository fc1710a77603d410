import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError } from './local-stack.errors.js';

/** An ordinary user's PATH on Debian lacks these. */
const SBIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const POSTGRESQL_ROOT = '/usr/lib/postgresql';

/**
 * @param debianPackage what to install when the program is missing
 * @param path the variable PATH
 * @returns the program's absolute path
 * @throws LocalStackError `STACK.PROGRAM_MISSING`
 */
export function installedProgram(name: string, debianPackage: string, path: string): string {
  const folders = [...path.split(':').filter((folder) => folder !== ''), ...SBIN_FOLDERS, ...postgresqlFolders()];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found !== undefined) return found;
  throw new LocalStackError(
    'STACK.PROGRAM_MISSING',
    `${name} is not installed; on Debian: apt-get install ${debianPackage}`,
  );
}

function postgresqlFolders(): string[] {
  try {
    return readdirSync(POSTGRESQL_ROOT)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(POSTGRESQL_ROOT, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
