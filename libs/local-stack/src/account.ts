import type { Account } from './server-process.js';

/** Accounts that may run PostgreSQL for root, in order of preference. */
const CANDIDATES = ['postgres', 'nobody'];

/** Columns of passwd(5): name, password, user id, group id, ... */
const USER_ID_COLUMN = 2;
const GROUP_ID_COLUMN = 3;

/**
 * PostgreSQL refuses to run as root.
 *
 * @param passwd content of /etc/passwd
 * @returns the account that shall run it instead, or undefined when the machine has none
 */
export function accountForPostgres(passwd: string): (Account & { readonly name: string }) | undefined {
  const rows = passwd.split('\n').map((line) => line.split(':'));
  for (const name of CANDIDATES) {
    const row = rows.find((columns) => columns[0] === name);
    const uid = Number(row?.[USER_ID_COLUMN]);
    const gid = Number(row?.[GROUP_ID_COLUMN]);
    if (Number.isSafeInteger(uid) && Number.isSafeInteger(gid) && uid > 0) return { name, uid, gid };
  }
  return undefined;
}
