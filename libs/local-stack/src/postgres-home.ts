import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accountForPostgres } from './account.js';
import { LocalStackError } from './local-stack.errors.js';
import type { ServerContext } from './server-context.js';
import type { Account } from './server-process.js';

const run = promisify(execFile);

/** Data of a stack in a folder that the account of PostgreSQL cannot enter, such as one below /root. */
const FOREIGN_ROOT = '/var/lib';
const PASSWORD_BYTES = 24;

/** Where PostgreSQL's data lies, and as whom it runs. */
export type PostgresHome = {
  readonly path: string;
  readonly account: Account | undefined;
  readonly password: string;
  /** Holds the password, for initdb. */
  readonly passwordFile: string;
};

/**
 * Finds or makes a folder that PostgreSQL's account owns and can enter.
 *
 * @throws LocalStackError `STACK.START_FAILED` when there is no account for it
 */
export async function preparePostgresHome(context: ServerContext): Promise<PostgresHome> {
  const account = await otherAccount();
  const near = join(context.folder.path, 'postgres');
  await give(near, account);
  if (account === undefined || (await canEnter(context, account, near))) {
    return withPassword({ path: near, account });
  }
  await rmdir(near);
  const far = farHome(context.folder.path);
  await give(far, account);
  context.report(`PostgreSQL runs as ${account.name}, who cannot enter ${context.folder.path}: its data is in ${far}`);
  return withPassword({ path: far, account });
}

/** The data folder of a stack whose own folder PostgreSQL's account cannot enter. */
export function farHome(stackFolder: string): string {
  const hash = createHash('sha256').update(stackFolder).digest('hex').slice(0, 12);
  return join(FOREIGN_ROOT, `landfall-${hash}`);
}

async function otherAccount() {
  if (process.getuid?.() !== 0) return undefined;
  const account = accountForPostgres(await readFile('/etc/passwd', 'utf8'));
  if (account !== undefined) return account;
  throw new LocalStackError(
    'STACK.START_FAILED',
    'PostgreSQL cannot run as root, and this machine has neither an account postgres nor nobody',
  );
}

async function give(folder: string, account: Account | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (account !== undefined) await chown(folder, account.uid, account.gid);
}

/** Asks the kernel as that account, rather than guessing from modes. */
async function canEnter(context: ServerContext, account: Account, folder: string): Promise<boolean> {
  const asAccount = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  try {
    await run(context.setpriv, [...asAccount, 'test', '-w', folder], { env: { PATH: context.path }, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

async function withPassword(home: Pick<PostgresHome, 'path' | 'account'>): Promise<PostgresHome> {
  const passwordFile = join(home.path, 'password');
  const known = (await readFile(passwordFile, 'utf8').catch(() => '')).trim();
  if (known !== '') return { ...home, passwordFile, password: known };
  // A data folder whose password is lost is of no use any more; it held read models, which can be rebuilt.
  await rm(join(home.path, 'data'), { recursive: true, force: true });
  const password = randomBytes(PASSWORD_BYTES).toString('hex');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (home.account !== undefined) await chown(passwordFile, home.account.uid, home.account.gid);
  return { ...home, passwordFile, password };
}
