import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundleProgram } from '../../bench/transfer/sender.bundle.js';
import { run } from '../../fault/tracked-rounds/mounted-disk.js';
import type { GuestKernel } from './guest-kernel.js';

/** They come with what each needs; the kernel itself asks for a file system's when it is mounted. */
const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'virtio_net', 'dm_mod', 'loop', 'ext4', 'xfs', 'btrfs', 'vfat', 'exfat', 'ntfs3'],
  ...['nls_ascii', 'nls_utf8', 'nls_cp437', 'nls_iso8859_1', 'crc32c_generic', 'crc32c_intel'],
];
/** For the system, for the agent, for making and checking file systems. */
const TOOLS = [
  ...['sh', 'mount', 'umount', 'modprobe', 'ip', 'sleep', 'seq', 'cat', 'ls', 'mkdir', 'rm', 'mv', 'cp', 'ln', 'dd'],
  ...['head', 'split', 'truncate', 'sed', 'sort', 'xargs', 'find', 'sha256sum', 'grep', 'dmesg', 'stat'],
  ...['sync', 'timeout', 'fsfreeze', 'lsblk', 'blkid', 'findmnt', 'sfdisk', 'losetup', 'taskset', 'dumpe2fs', 'xfs_io'],
  ...['fstrim', 'partx', 'blockdev', 'lvm', 'mkfs.ext4', 'e2fsck', 'resize2fs', 'mkfs.xfs', 'xfs_repair', 'xfs_growfs'],
  ...['mkfs.btrfs', 'btrfs', 'mkfs.vfat', 'fsck.vfat', 'mkfs.exfat', 'fsck.exfat', 'mkntfs', 'ntfsfix'],
];
const FILES = ['/etc/os-release', '/etc/mke2fs.conf'];

const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin LC_ALL=C DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/null >/dev/console 2>&1
mount -t tmpfs tmpfs /tmp
mkdir -p /run/landfall /mnt
modprobe -a virtio_pci virtio_blk virtio_net dm_mod
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
node /landfall/guest.mjs 10.0.2.2 "$LANDFALL_PORT"
echo o > /proc/sysrq-trigger
while :; do sleep 60; done
`;

/**
 * Makes the whole system of a guest, to be run from memory: this machine's tools with their libraries, Node, modules of
 * the kernel, and the program that obeys the host.
 * @param root of the project
 * @returns the path of the initramfs
 */
export async function makeGuestImage(root: string, folder: string, kernel: GuestKernel): Promise<string> {
  const tree = join(folder, 'root');
  await rm(tree, { recursive: true, force: true });
  for (const path of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'landfall', 'etc']) {
    await mkdir(join(tree, path), { recursive: true });
  }
  for (const path of ['proc', 'sys', 'dev', 'tmp', 'run', 'mnt']) await mkdir(join(tree, path));
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(tree, name));
  await copyPrograms(tree);
  for (const file of FILES) await place(tree, file);
  await copyModules(tree, kernel);
  await bundleProgram(root, 'test/guest/program/guest.program.ts', join(tree, 'landfall/guest.mjs'));
  for (const addOn of (await readdir(join(root, 'dist/bundles'))).filter((name) => name.endsWith('.node'))) {
    await copyFile(join(root, 'dist/bundles', addOn), join(tree, 'landfall', addOn));
  }
  await writeFile(join(tree, 'init'), INIT, { mode: 0o755 });
  const image = join(folder, 'initramfs');
  await run('sh', '-ec', 'cd "$1"; find . | cpio --quiet -o -H newc > "$2"', 'sh', tree, image);
  await rm(tree, { recursive: true });
  return image;
}

async function copyPrograms(tree: string): Promise<void> {
  const script = 'for tool; do command -v "$tool" || { echo "there is no $tool" >&2; exit 1; }; done';
  const paths = (await run('sh', '-ec', script, 'sh', ...TOOLS)).trim().split('\n');
  const libraries = new Set<string>();
  for (const program of [...paths, process.execPath]) {
    for (const [, library] of (await linkedTo(program)).matchAll(/(\/\S+) \(0x/g)) libraries.add(library ?? '');
  }
  for (const path of [...paths, ...libraries]) await place(tree, path);
  await copyFile(realpathSync(process.execPath), join(tree, 'usr/bin/node'));
}

/** Some tools are scripts. */
async function linkedTo(program: string): Promise<string> {
  return run('ldd', program).catch(() => '');
}

/** Under its own name, in the real folder of that name: `/bin` and `/lib` are links. */
async function place(tree: string, path: string): Promise<void> {
  const folder = join(tree, realpathSync(dirname(path)));
  await mkdir(folder, { recursive: true });
  await copyFile(realpathSync(path), join(folder, basename(path)));
}

async function copyModules(tree: string, { root, version }: GuestKernel): Promise<void> {
  const paths = new Set<string>();
  for (const module of MODULES) {
    const needs = await run('modprobe', '-d', root, '-S', version, '--show-depends', module);
    for (const [, path] of needs.matchAll(/^insmod (\S+)/gm)) paths.add(path ?? '');
  }
  for (const path of paths) {
    const copy = join(tree, 'usr', path.slice(join(root).length));
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(path, copy);
    // Unpacking them takes an emulated machine seconds.
    if (copy.endsWith('.xz')) await run('unxz', copy);
  }
  const lists = await readdir(join(root, 'lib/modules', version));
  for (const list of lists.filter((name) => /^modules\.(order|builtin)/.test(name))) {
    await copyFile(join(root, 'lib/modules', version, list), join(tree, 'usr/lib/modules', version, list));
  }
  await run('depmod', '--basedir', tree, version);
}
