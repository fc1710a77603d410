import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../fault/tracked-rounds/mounted-disk.js';

/** The kernel of Debian 12 has no ntfs3; that of its backports has, and everything else. */
const SOURCE =
  'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main\n';
const META_PACKAGE = 'linux-image-amd64';

export interface GuestKernel {
  readonly version: string;
  /** The compressed kernel. */
  readonly image: string;
  /** Holds `lib/modules/<version>`. */
  readonly root: string;
}

/** Debian's own kernel, unpacked below a folder and not installed; fetched when it is not there yet. */
export async function guestKernel(folder: string): Promise<GuestKernel> {
  const root = join(folder, 'kernel');
  const present = await readdir(join(root, 'boot')).catch(() => null);
  if (present === null) await fetchKernel(folder, root);
  const files = present ?? (await readdir(join(root, 'boot')));
  const image = files.find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error(`there is no kernel in ${root}: remove it, and it is fetched again`);
  return { version: image.slice('vmlinuz-'.length), image: join(root, 'boot', image), root };
}

/** By apt, which checks signatures, with lists and settings of its own. */
async function fetchKernel(folder: string, root: string): Promise<void> {
  const work = join(folder, 'fetching');
  await rm(work, { recursive: true, force: true });
  for (const path of ['lists/partial', 'cache/archives/partial', 'packages', 'root']) {
    await mkdir(join(work, path), { recursive: true });
  }
  await writeFile(join(work, 'source.list'), SOURCE);
  const settings = [
    `Dir::Etc::sourcelist=${work}/source.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${work}/lists`,
    `Dir::Cache=${work}/cache`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', ...settings, 'update');
  const depends = await run('apt-cache', ...settings, 'depends', META_PACKAGE);
  const kernelPackage = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (kernelPackage === undefined) throw new Error(`${META_PACKAGE} names no kernel`);
  await run(
    'sh',
    '-ec',
    'cd "$1"; shift; apt-get "$@"',
    'sh',
    `${work}/packages`,
    ...settings,
    'download',
    kernelPackage,
  );
  const [archive = ''] = await readdir(join(work, 'packages'));
  await run('dpkg-deb', '--extract', join(work, 'packages', archive), join(work, 'root'));
  const [version = ''] = await readdir(join(work, 'root/lib/modules'));
  await run('depmod', '--basedir', join(work, 'root'), version);
  await rename(join(work, 'root'), root);
  await rm(work, { recursive: true });
}
