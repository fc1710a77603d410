/**
 * Debian packages that programs and tests need, each with the command it is looked up by.
 * Plain JavaScript without dependencies: this runs before anything is installed.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian keeps administrators' commands; an ordinary user's PATH lacks these. */
const SBIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** PostgreSQL's server programs are in a folder per major version, on nobody's PATH. */
const POSTGRESQL_ROOT = '/usr/lib/postgresql';

/**
 * `use`: `run` is needed to run a migration here, `test` only by the tests, `bench` by the benchmark of the data plane,
 * `guest` by the migrations out of a guest, `peer` to compare it with the programs of others.
 */
export const DEBIAN_PACKAGES = Object.freeze([
  { command: 'nats-server', package: 'nats-server', use: 'run' },
  { command: 'initdb', package: 'postgresql', use: 'run' },
  { command: 'nbdkit', package: 'nbdkit', use: 'run' },
  { command: 'sfdisk', package: 'fdisk', use: 'run' },
  { command: 'mkfs.ext4', package: 'e2fsprogs', use: 'run' },
  { command: 'lsblk', package: 'util-linux', use: 'run' },
  { command: 'setpriv', package: 'util-linux', use: 'run' },
  { command: 'losetup', package: 'mount', use: 'run' },
  { command: 'nbdinfo', package: 'libnbd-bin', use: 'test' },
  { command: 'partclone.ext4', package: 'partclone', use: 'test' },
  { command: 'mkfs.vfat', package: 'dosfstools', use: 'test' },
  { command: 'mcopy', package: 'mtools', use: 'test' },
  { command: 'mkfs.exfat', package: 'exfatprogs', use: 'test' },
  { command: 'mkfs.xfs', package: 'xfsprogs', use: 'test' },
  { command: 'mkfs.btrfs', package: 'btrfs-progs', use: 'test' },
  { command: 'mkntfs', package: 'ntfs-3g', use: 'test' },
  { command: 'pvcreate', package: 'lvm2', use: 'test' },
  { command: 'ip', package: 'iproute2', use: 'test' },
  { command: 'iptables', package: 'iptables', use: 'test' },
  { command: 'openssl', package: 'openssl', use: 'bench' },
  { command: 'time', package: 'time', use: 'bench' },
  { command: 'qemu-system-x86_64', package: 'qemu-system-x86', use: 'guest' },
  { command: 'cpio', package: 'cpio', use: 'guest' },
  { command: 'depmod', package: 'kmod', use: 'guest' },
  { command: 'qemu-img', package: 'qemu-utils', use: 'peer' },
  { command: 'rsync', package: 'rsync', use: 'peer' },
  { command: 'nc', package: 'netcat-openbsd', use: 'peer' },
]);

/**
 * @param {readonly {command: string, package: string, use: string}[]} packages
 * @param {ReadonlySet<string>} uses the uses that the task has
 * @param {(command: string) => boolean} isPresent
 * @returns {string[]} names of packages to install, each once, in the order of the list
 */
export function missingPackages(packages, uses, isPresent) {
  const missing = packages.filter((entry) => uses.has(entry.use) && !isPresent(entry.command));
  return [...new Set(missing.map((entry) => entry.package))];
}

/**
 * Folders in which commands are looked up: PATH, then those that an ordinary user's PATH lacks.
 * @param {string} path the variable PATH
 * @param {readonly string[]} postgresqlVersions names of folders under PostgreSQL's root
 * @returns {string[]}
 */
export function commandFolders(path, postgresqlVersions) {
  const newestFirst = [...postgresqlVersions].sort((a, b) => Number(b) - Number(a));
  const folders = [
    ...path.split(':').filter((folder) => folder !== ''),
    ...SBIN_FOLDERS,
    ...newestFirst.map((version) => join(POSTGRESQL_ROOT, version, 'bin')),
  ];
  return [...new Set(folders)];
}

/** @returns {string[]} the versions of PostgreSQL whose server programs are installed */
export function installedPostgresqlVersions() {
  if (!existsSync(POSTGRESQL_ROOT)) return [];
  return readdirSync(POSTGRESQL_ROOT).filter((name) => /^\d+$/.test(name));
}

/**
 * @param {readonly string[]} folders
 * @returns {(command: string) => boolean}
 */
export function lookIn(folders) {
  return (command) =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, command), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * How packages can be installed here, or why not.
 * @param {{apt: boolean, root: boolean, sudo: boolean}} machine
 * @returns {'root' | 'sudo' | 'no-apt' | 'no-rights'}
 */
export function installWay(machine) {
  if (!machine.apt) return 'no-apt';
  if (machine.root) return 'root';
  return machine.sudo ? 'sudo' : 'no-rights';
}

/**
 * The one line for a machine on which nothing can be installed.
 * @param {readonly string[]} packages
 * @param {'no-apt' | 'no-rights'} reason
 */
export function cannotInstallLine(packages, reason) {
  const names = packages.join(' ');
  return reason === 'no-apt'
    ? `Missing on this machine: ${names} (Debian's names; there is no apt here). Install them, or use docker compose.`
    : `Missing on this machine: ${names}. As root: apt-get install ${names}`;
}
